"""Is the detector sure? The track's mean score so far, and the rule's ``min_score``."""

from __future__ import annotations

from dataclasses import dataclass

from streams.core.checks.check import Finding, Subject, between

NEUTRAL = 0.55
"""Detectors give people and cars .6 to .9, posts and reflections that they take for them .3 to .5."""
SLOPE = 10.0
LEAST, MOST = -3.0, 3.0
PERSISTENCE_S = 5.0
"""A flash of light is seen surely, too, but not for this long."""


@dataclass(frozen=True)
class ScoreCheck:
    """For a track whose mean score is high for long; a veto below ``min_score``."""

    name: str = "score"

    def judge(self, subject: Subject) -> Finding:
        """Weigh the mean score."""
        weight = between(LEAST, SLOPE * (subject.score - NEUTRAL), MOST)
        if weight > 0:
            weight *= min(1.0, subject.age_s / PERSISTENCE_S)
        return Finding(subject.score, weight, veto=subject.score < subject.min_score)
