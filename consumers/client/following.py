"""Events as they happen, over server-sent events; after a break it goes on where it was."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import httpx
from httpx_sse import ServerSentEvent

from consumers.client.calls import API
from consumers.client.errors import Unavailable
from consumers.client.trying import TIMEOUT_S

STREAM = f"{API}/events/stream"
SILENCE_S = 60.0
"""Longer than the server's heartbeats are apart: then the connection is taken for dead."""
STREAM_TIMEOUT = httpx.Timeout(TIMEOUT_S, read=SILENCE_S)
ENDED = Unavailable(503, "stream-ended", "The stream ended", "the server closes it again and again")


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the stream; ``kind`` is event, verdict, health, ready, lagged or reset."""

    kind: str
    data: dict[str, Any]
    position: str
    """Give it as ``resume`` to go on behind this message."""


def message_of(sent: ServerSentEvent) -> Message | None:
    """Return what was sent; None for what carries nothing."""
    if not sent.data:
        return None
    data = json.loads(sent.data)
    return Message(sent.event, data if isinstance(data, dict) else {"value": data}, sent.id)


def headers_of(position: str | None) -> dict[str, str]:
    """Return the headers that make a stream go on behind a position."""
    return {} if position is None else {"Last-Event-ID": position}
