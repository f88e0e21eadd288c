"""What goes over the wire: one JSON object a WebSocket message, or one event of an event source.

| message | fields | when |
|---|---|---|
| `ready` | `selection`, `heartbeat_s` | first, and whenever the selection was changed |
| `event`, `verdict`, `health` | the record | something happened |
| `heartbeat` | | nothing was sent for a while |
| `lagged` | `dropped` | the client was too slow; what was dropped lies behind `position` |
| `reset` | `reason` | what was missed cannot be told: ask the API for what stands now |
| `pong` | `data` | a ping of the client |
| `error` | `code`, `detail` | a message of the client was not understood |

Each but `pong` and `error` carries a `position`: to go on behind it, connect with `resume=POSITION`
(WebSocket) or the header `Last-Event-ID` (event source).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeVar

import orjson

F = TypeVar("F", str, bytes)
F_co = TypeVar("F_co", str, bytes, covariant=True)
Fields = Mapping[str, object]


class Form(Protocol[F_co]):
    """How messages are written; a message of several clients is written once for each form."""

    def write(self, kind: str, position: str | None, fields: Fields) -> F_co:
        """Return a message; ``fields`` of a record are ``{kind: record as JSON}``."""
        ...

    def beat(self, position: str) -> F_co:
        """Return what is sent where nothing happens."""
        ...


class WebSocketForm:
    """``{"type": "event", "position": "...", "event": {...}}``."""

    def write(self, kind: str, position: str | None, fields: Fields) -> str:
        """Return one text message."""
        place = {} if position is None else {"position": position}
        return orjson.dumps({"type": kind, **place, **fields}).decode()

    def beat(self, position: str) -> str:
        """Return a heartbeat."""
        return self.write("heartbeat", position, {})


class EventSourceForm:
    """``id``: the position, ``event``: the type, ``data``: the record itself."""

    def write(self, kind: str, position: str | None, fields: Fields) -> bytes:
        """Return one event, the blank line behind it included."""
        data = orjson.dumps(fields.get(kind, fields))
        place = b"" if position is None else b"id: %b\n" % position.encode()
        return b"%bevent: %b\ndata: %b\n\n" % (place, kind.encode(), data)

    def beat(self, position: str) -> bytes:
        """Return a comment that moves the last event id on and dispatches nothing."""
        return b": heartbeat\nid: %b\n\n" % position.encode()


WEBSOCKET = WebSocketForm()
EVENT_SOURCE = EventSourceForm()
