"""Is the detector sure enough? The track's mean score so far against the rule's ``min_score``."""

from __future__ import annotations

from dataclasses import dataclass

from streams.core.checks.check import Finding, Subject


@dataclass(frozen=True)
class ScoreCheck:
    """Favours a track whose mean score is at least ``min_score``."""

    name: str = "score"

    def judge(self, subject: Subject) -> Finding:
        """Compare the mean score; it is the confidence, too."""
        confidence = min(1.0, max(0.0, subject.score))
        return Finding(subject.score >= subject.min_score, subject.score, confidence)
