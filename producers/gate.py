"""The motion gate: of a still scene only a picture every ``idle_s`` is sent.

What moves is judged against the picture sent last, so slow movement adds up until it is seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from producers.privacy import Image

Thumbnail = npt.NDArray[np.uint8]
"""Small grey picture [rows, columns]."""

THUMBNAIL_WIDTH = 160
_DIFFERENCE = 10
"""Grey levels that noise and compression stay below once averaged to a thumbnail."""
_MOVING = 0.0008
"""Share of the picture above which it is not still: a person 1/20 of the picture high."""


@dataclass(frozen=True, slots=True)
class GateConfig:
    """Whether still pictures are held back, and how long at most."""

    enabled: bool
    idle_ms: int


@dataclass(frozen=True, slots=True, eq=False)
class GateState:
    """What the gate remembers; one for each epoch."""

    sent: Thumbnail | None = None
    """The picture sent last."""
    sent_ms: int = 0
    held: bool = False
    """Pictures have been held back since."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one sampled picture."""

    send: bool
    motion: float | None
    """Share of the picture that differs from the one sent last, 0..1; None for the first."""
    still: bool
    """Pictures have been held back since the one sent last, or this one is."""


def step(
    state: GateState, thumbnail: Thumbnail, at_ms: int, config: GateConfig
) -> tuple[GateState, Decision]:
    """Judge the next sampled picture; ``at_ms`` is on any scale that rises."""
    motion = None if state.sent is None else motion_between(state.sent, thumbnail)
    idle = at_ms - state.sent_ms >= config.idle_ms
    if config.enabled and motion is not None and motion < _MOVING and not idle:
        return replace(state, held=True), Decision(send=False, motion=motion, still=True)
    decision = Decision(send=True, motion=motion, still=state.held)
    return GateState(sent=thumbnail, sent_ms=at_ms), decision


def thumbnail_of(image: Image) -> Thumbnail:
    """Return a BGR picture small and grey; averaging takes most of the noise away."""
    rows, columns = image.shape[:2]
    width = min(columns, THUMBNAIL_WIDTH)
    height = max(1, rows * width // columns)
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)


def motion_between(before: Thumbnail, now: Thumbnail) -> float:
    """Return the share of pixels that differ, 0..1; 1 when the sizes do."""
    if before.shape != now.shape:
        return 1.0
    moved = np.count_nonzero(cv2.absdiff(before, now) > _DIFFERENCE)
    return float(moved) / now.size
