"""Has it moved? Signs, posts and reflections are detected for hours and stay where they are."""

from __future__ import annotations

from dataclasses import dataclass

from streams.core.checks.check import Finding, Subject

REQUIRED_DISPLACEMENT = 0.75
"""Box heights. Over the 797 YOLOX-nano boxes of the blue sign in PETS 2009 S2.L1 the centre lies
at most 0.54 of the mean box height from the first one (0.34 at the 99.9th percentile), and the
whole spread is 0.59; a pedestrian walks 0.75 of its height in about a second."""

STILL_BY_NATURE = frozenset({"abandoned", "removed"})
"""Triggers about an object that stays where it is."""


@dataclass(frozen=True)
class MovedCheck:
    """Favours a track whose box centre has been far enough from where the track began."""

    name: str = "moved"
    required: float = REQUIRED_DISPLACEMENT

    def judge(self, subject: Subject) -> Finding | None:
        """Compare the displacement in mean box heights; a track without a report has not moved."""
        if subject.triggers <= STILL_BY_NATURE:
            return None
        displacement = 0.0 if subject.report is None else subject.report.displacement
        confidence = min(1.0, max(0.0, displacement / self.required))
        return Finding(displacement >= self.required, displacement, confidence)
