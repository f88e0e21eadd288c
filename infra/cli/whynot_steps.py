"""One step on the way from a frame to an event."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Step:
    """``passed``: whether the way goes on from here."""

    name: str
    passed: bool
    told: str


def clock(at: int) -> str:
    """Return a time (UTC ms) as a person reads it.

    >>> clock(1_500)
    '1970-01-01 00:00:01.500Z'
    """
    moment = datetime.fromtimestamp(at / 1000, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{at % 1000:03d}Z"
