"""Has it moved? Signs, posts and reflections are detected for hours and stay where they are."""

from __future__ import annotations

from dataclasses import dataclass

from streams.core.checks.check import Finding, Subject

REQUIRED_DISPLACEMENT = 0.25
"""Box heights. Of YOLOX-nano's tracks the blue sign in PETS 2009 S2.L1 reaches 0.11 and bottles on a
belt taken for persons 0.17; people who come into a room and stay reach 0.33 within 10 s, and a
pedestrian in about a second."""

STILL_BY_NATURE = frozenset({"abandoned", "removed"})
"""Triggers about an object that stays where it is."""


@dataclass(frozen=True)
class MovedCheck:
    """Favours a track whose smoothed centre has been far enough from where the track began."""

    name: str = "moved"
    required: float = REQUIRED_DISPLACEMENT

    def judge(self, subject: Subject) -> Finding | None:
        """Compare the displacement in mean box heights; a track without a report has not moved."""
        if subject.triggers <= STILL_BY_NATURE:
            return None
        displacement = 0.0 if subject.report is None else subject.report.displacement
        confidence = min(1.0, max(0.0, displacement / self.required))
        return Finding(displacement >= self.required, displacement, confidence)
