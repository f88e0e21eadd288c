"""Has it moved? Signs, posts and reflections are detected for hours and stay where they are."""

from __future__ import annotations

import math
from dataclasses import dataclass

from streams.core.checks.check import Finding, Subject, between

NEUTRAL = 0.2
"""Box heights. Of YOLOX-nano's tracks the blue sign in PETS 2009 S2.L1 reaches 0.11 and bottles on a
belt taken for persons 0.17; people who come into a room and stay reach 0.24 to 0.33 within 10 s,
and a pedestrian in about a second."""
SLOPE = 4.0
MOST = 4.0

STILL_BY_NATURE = frozenset({"abandoned", "removed"})
"""Triggers about an object that stays where it is."""


@dataclass(frozen=True)
class MovedCheck:
    """For a track whose smoothed centre has been far enough from where the track began."""

    name: str = "moved"

    def judge(self, subject: Subject) -> Finding | None:
        """Weigh the displacement in mean box heights; a track without a report has not moved."""
        if subject.triggers <= STILL_BY_NATURE:
            return None
        away = subject.displacement
        weight = -MOST if away <= 0 else between(-MOST, SLOPE * math.log(away / NEUTRAL), MOST)
        return Finding(away, weight)
