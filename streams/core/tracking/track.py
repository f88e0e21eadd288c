"""What is kept of one tracked object."""

from __future__ import annotations

import msgspec

from streams.core.tracking.evidence import Evidence
from streams.core.tracking.motion import Motion
from streams.core.tracking.sighting import Sighting


class Track(msgspec.Struct):
    """One object over time.

    Tentative until ``confirmed``; ``waiting`` keeps its sightings for that moment.
    """

    track_id: str
    epoch_at: int
    seen_at: int
    """Time of the last sighting."""
    alive_at: int
    """The clock of absence runs from here: ``seen_at``, later through still stretches."""
    frames: int
    """Frames since it began, the first included, at which a model looked that had seen it."""
    motion: Motion
    evidence: Evidence
    waiting: list[Sighting]
    confirmed: bool = False
    worth: float = 0.0
    """Of its sightings before it was confirmed: at most 1 each."""
    models: list[str] = []
    """That ever saw it, in the order in which they did."""
