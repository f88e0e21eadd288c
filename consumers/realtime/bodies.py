"""Records as JSON, with the names and forms that the REST routes use."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime

import orjson

from consumers.realtime.kinds import Followed

_JSON_TEXTS = frozenset({"tracks", "reasons", "details"})
_LEFT_OUT = "provenance"
"""Far larger than the rest, and of use to few: the REST routes tell it."""


def body(record: Followed) -> bytes:
    """Return a record as JSON: times in ISO 8601, and texts that hold JSON as what they hold."""
    names = (field.name for field in fields(record) if field.name != _LEFT_OUT)
    shown = {name: _shown(name, getattr(record, name)) for name in names}
    return orjson.dumps(shown, option=orjson.OPT_UTC_Z)


def _shown(name: str, value: object) -> object:
    if isinstance(value, int) and (name == "at" or name.endswith("_at")):
        return datetime.fromtimestamp(value / 1000, UTC)
    if name in _JSON_TEXTS and isinstance(value, str):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return None
    return value
