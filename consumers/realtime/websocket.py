"""A client's stream over a WebSocket, and what the client says on it.

A client may send ``{"type": "select", "selection": {...}}`` and ``{"type": "ping", "data": ...}``.
"""

from __future__ import annotations

import asyncio
import contextlib

import orjson
from pydantic import ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from consumers.realtime.kinds import SOURCES
from consumers.realtime.selection import Selection
from consumers.realtime.session import Closed, Session

MAX_FAULTS = 10
MAX_PING_CHARACTERS = 200
TOO_MANY_FAULTS = 1008
GONE = 1000
_PACE_S = 0.05
"""Between two messages of a client: whoever writes faster waits in its own buffers."""


class Fault(Exception):
    """A client's message cannot be followed; ``code`` is a word for programs."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


async def carry(socket: WebSocket, session: Session[str]) -> None:
    """Send a session's frames over an open socket until either side ends it."""
    session.sending = asyncio.create_task(_send(socket, session))
    listening = asyncio.create_task(_listen(socket, session))
    try:
        await asyncio.wait({session.sending})
    finally:
        for task in (session.sending, listening):
            task.cancel()
        await asyncio.gather(session.sending, listening, return_exceptions=True)


async def _send(socket: WebSocket, session: Session[str]) -> None:
    # A client that has left is no fault: whoever listens to it ends the session.
    with contextlib.suppress(WebSocketDisconnect, OSError):
        try:
            while True:
                for frame in await session.frames():
                    await socket.send({"type": "websocket.send", "text": frame})
        except Closed as closed:
            if closed.code != GONE:
                await socket.close(closed.code, closed.reason)


async def _listen(socket: WebSocket, session: Session[str]) -> None:
    faults = 0
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            session.close(GONE, "left")
            return
        try:
            follow(session, message.get("text"))
        except Fault as fault:
            faults += 1
            session.say("error", {"code": fault.code, "detail": str(fault)})
        if faults >= MAX_FAULTS:
            session.close(TOO_MANY_FAULTS, "too many messages that cannot be understood")
        await asyncio.sleep(_PACE_S)


def follow(session: Session[str], text: str | None) -> None:
    """Do what a client's message says.

    Raises:
        Fault: it cannot be understood, or may not be done.
    """
    try:
        said = orjson.loads(text or "")
    except orjson.JSONDecodeError:
        raise Fault("no-json", "send one JSON object as text in each message") from None
    match said:
        case {"type": "select", "selection": dict(wanted)}:
            session.select(_selection(session, wanted))
        case {"type": "ping"}:
            data = said.get("data")
            if len(orjson.dumps(data)) > MAX_PING_CHARACTERS:
                raise Fault("too-long", f"data of a ping: up to {MAX_PING_CHARACTERS} characters")
            session.say("pong", {"data": data})
        case _:
            raise Fault("unknown-message", "send a `select` with a `selection`, or a `ping`")


def _selection(session: Session[str], wanted: dict[str, object]) -> Selection:
    try:
        selection = Selection.model_validate(wanted)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Fault("bad-selection", f"{where}: {first['msg']}") from None
    for kind in selection.kind:
        permission = SOURCES[kind].permission
        if not session.principal.may(permission):
            raise Fault("forbidden", f"to follow {kind} needs the permission {permission}")
    return selection
