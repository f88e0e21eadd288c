"""What a stage stores of itself.

One class for each Avro record of ``schemas/avro``, field for field. Fields named ``…_at`` are UTC
milliseconds since the epoch; coordinates are normalised 0..1 with the origin top left.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A stage's state for one key; the highest claim wins, then the highest sequence."""

    stage: str
    key: str
    sequence: int
    format: int
    """Version of the body's layout."""
    stored_at: int
    body: bytes
    claim: int = 0
    """Number of the take-over of the partition under which it was stored."""
    at: int | None = None
    """Event time of the last input applied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A stage's state of one key at a moment, kept for replays."""

    stage: str
    partition: int
    offset: int
    """Input offset that the checkpoint covers."""
    key: str
    sequence: int
    format: int
    stored_at: int
    body: bytes
    at: int | None = None
    """Event time of the last input applied."""
