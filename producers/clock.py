"""Capture time: from the times that a source gives to UTC milliseconds that only rise.

An epoch is one opening of a source, named by the UTC ms of its first picture (its anchor).
Architecture, section 5.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from producers.sampler import round_ms

TOLERANCE_MS = 2000
"""A live stream's time may differ by so much from the monotonic clock before it is corrected."""


@dataclass(frozen=True, slots=True)
class EpochClock:
    """The clock of one epoch; all times in milliseconds."""

    epoch_at: int
    """UTC ms of the first picture."""
    first_pts_ms: Fraction
    """Presentation time of the first picture on the source's own scale."""
    first_monotonic_ms: int | None
    """Host's monotonic time of the first picture; None for files and scenes: no drift rule."""
    shift_ms: int = 0
    """What corrections have added to the presentation time."""
    last_ms: int = 0
    """Time of the latest picture since the first one, corrected."""
    corrections: int = 0

    @property
    def captured_at(self) -> int:
        """Capture time of the latest picture, UTC ms."""
        return self.epoch_at + self.last_ms


def begin(
    epoch_at: int, first_pts_ms: Fraction, first_monotonic_ms: int | None = None
) -> EpochClock:
    """Start an epoch at its first picture; with a monotonic time the drift rule holds in it."""
    return EpochClock(epoch_at, first_pts_ms, first_monotonic_ms)


def step(clock: EpochClock, pts_ms: Fraction, monotonic_ms: int) -> EpochClock:
    """Return the clock at the next picture.

    Where a live stream's timestamps have jumped or drifted by more than 2 s from the monotonic
    clock, the time is set to that clock's; it never goes back, so after a correction backwards it
    creeps by 1 ms a picture until the stream has caught up.
    """
    since_first_ms = round_ms(pts_ms - clock.first_pts_ms)
    if clock.first_monotonic_ms is None:
        return replace(clock, last_ms=since_first_ms)
    elapsed_ms = monotonic_ms - clock.first_monotonic_ms
    shift_ms, corrections = clock.shift_ms, clock.corrections
    if abs(since_first_ms + shift_ms - elapsed_ms) > TOLERANCE_MS:
        shift_ms, corrections = elapsed_ms - since_first_ms, corrections + 1
    return replace(
        clock,
        shift_ms=shift_ms,
        last_ms=max(since_first_ms + shift_ms, clock.last_ms + 1),
        corrections=corrections,
    )


def anchor(wanted_at: int, last_written_at: int | None) -> int:
    """Return the time of a new epoch: its own, but above all that was written for the camera.

    >>> anchor(1000, None), anchor(1000, 999), anchor(1000, 4000)
    (1000, 1000, 4001)
    """
    return wanted_at if last_written_at is None else max(wanted_at, last_written_at + 1)
