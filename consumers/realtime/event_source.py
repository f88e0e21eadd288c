"""A client's stream as server-sent events."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from consumers.realtime.session import Closed, Session

RETRY_MS = (1000, 5000)
"""Clients of a server that went away come back spread over this time."""
Opened = Callable[[], AbstractAsyncContextManager[Session[bytes]]]


class EventSourceResponse(Response):
    """An answer that goes on until the client leaves or the session ends.

    The session is opened when the answer is sent, so that it ends whatever happens to the request.
    """

    media_type = "text/event-stream"

    def __init__(self, opened: Opened) -> None:
        super().__init__(
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
            media_type=self.media_type,
        )
        # There is no length to tell beforehand.
        del self.headers["content-length"]
        self._opened = opened

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream."""
        async with self._opened() as session:
            start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
            await send(start)
            session.sending = asyncio.create_task(_send(send, session))
            listening = asyncio.create_task(_listen(receive, session))
            try:
                await asyncio.wait({session.sending})
            finally:
                for task in (session.sending, listening):
                    task.cancel()
                await asyncio.gather(session.sending, listening, return_exceptions=True)


async def _send(send: Send, session: Session[bytes]) -> None:
    # A field of the first event, whichever that is.
    begin = b"retry: %d\n" % random.randint(*RETRY_MS)
    try:
        while True:
            await _part(send, begin + b"".join(await session.frames()))
            begin = b""
    except Closed:
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _part(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _listen(receive: Receive, session: Session[bytes]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    session.close(1000, "left")
