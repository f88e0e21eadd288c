"""One detection of an object, with the frame it is from."""

from __future__ import annotations

import msgspec

from schemas.records import FrameReference
from streams.core.geometry import Box
from streams.core.tracking.attributes import Attributes


class Sighting(msgspec.Struct, frozen=True, gc=False):
    """One detection of an object in one frame."""

    at: int
    seq: int
    partition: int
    offset: int
    """Of the frame in the frames topic."""
    aspect: float
    """The frame's width divided by its height."""
    box: Box
    score: float
    label: str
    model: str = ""
    """That found it."""
    place: Box | None = None
    """Where the object is by all sightings so far, where that is not ``box``."""
    attributes: Attributes | None = None
    """What models of the second stage say of it; None: none looked."""

    @property
    def reference(self) -> FrameReference:
        """Where the frame stands, and the object in it."""
        return FrameReference(
            partition=self.partition,
            offset=self.offset,
            captured_at=self.at,
            box=self.box,
            score=self.score,
        )
