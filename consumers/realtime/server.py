"""uvicorn for streams: they end before it waits for requests to end, and dead peers end them."""

from __future__ import annotations

import socket
from typing import Any

import uvicorn
from fastapi import FastAPI

from consumers.realtime.hub import Hub

GRACE_S = 15
PEER_GONE_MS = 60_000
"""A peer that acknowledges nothing of what was sent to it for so long is gone: without this, what is
buffered for it would be kept for as long as it answers the kernel's probes with a closed window."""
LONGEST_MESSAGE_BYTES = 64 * 1024


class StreamingServer(uvicorn.Server):
    """A server that sends the clients of streams away when it is asked to stop."""

    def __init__(self, app: FastAPI, **options: Any) -> None:
        """Prepare; ``options`` are uvicorn's, beside those that streams need."""
        self._app = app
        # Compression would cost each client its own window and each message as many runs.
        config: dict[str, Any] = {
            "ws": "websockets-sansio",
            "ws_per_message_deflate": False,
            "ws_max_size": LONGEST_MESSAGE_BYTES,
            "timeout_graceful_shutdown": GRACE_S,
            **options,
        }
        super().__init__(uvicorn.Config(app, **config))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop: streams first, then requests."""
        hub: Hub | None = getattr(self._app.state, "hub", None)
        if hub is not None:
            hub.close()
        await super().shutdown(sockets)
