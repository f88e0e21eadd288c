"""Which of a camera's models look at a frame: each takes frames at a rate of its own.

The rule is that of sampling: a model takes a frame when floor(ms x fps / 1000) exceeds that of the
last one it took, ms since the epoch's first frame, which all of them take, in exact arithmetic.
The first frame of each such slot is the one taken, so the slot of the frame just before says
whether there was an earlier one: its time is all that must be remembered, whatever the rates are
and however they change.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from schemas.records import Frame
from streams.inference.choosing import Use


def due(uses: Iterable[Use], frame: Frame, previous_at: int | None) -> tuple[Use, ...]:
    """Return the models that look at a frame, in the order given.

    Args:
        uses: the models of the frame's camera.
        frame: the frame.
        previous_at: UTC ms of the camera's latest frame before it, None for an epoch's first.
    """
    ms = frame.captured_at - frame.epoch_at
    previous_ms = None if previous_at is None else previous_at - frame.epoch_at
    return tuple(use for use in uses if takes(use.fps, ms, previous_ms))


def takes(fps: Fraction | None, ms: int, previous_ms: int | None) -> bool:
    """Tell whether a model of this rate takes the frame at ``ms``, the one before at ``previous_ms``.

    >>> times = [None, 0, 200, 400, 600, 800, 1000, 1200]
    >>> [ms for ms, before in zip(times[1:], times) if takes(Fraction(1), ms, before)]
    [0, 1000]
    """
    if fps is None or previous_ms is None:
        return True
    return _slot(fps, ms) > _slot(fps, previous_ms)


def _slot(fps: Fraction, ms: int) -> int:
    return ms * fps.numerator // (1000 * fps.denominator)
