"""What is kept of one tracked object."""

from __future__ import annotations

import msgspec

from streams.core.geometry import Box
from streams.core.tracking.evidence import Evidence
from streams.core.tracking.motion import Motion


class Sighting(msgspec.Struct, frozen=True):
    """One detection of an object in one frame."""

    at: int
    seq: int
    offset: int
    """Of the frame in the frames topic."""
    aspect: float
    """The frame's width divided by its height."""
    box: Box
    score: float
    label: str


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
    """Frames analysed since it began, the first included."""
    motion: Motion
    evidence: Evidence
    waiting: list[Sighting]
    confirmed: bool = False
