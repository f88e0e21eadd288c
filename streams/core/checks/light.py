"""Did the light change? Then detections begin all over the picture at once."""

from __future__ import annotations

from dataclasses import dataclass

from streams.core.checks.check import Finding, Subject

USUAL = 2
"""So many people come into different parts of a busy picture within half a second."""
PER_TRACK = 1.2
MOST = 4.0


@dataclass(frozen=True)
class LightCheck:
    """Against tracks that began together with others elsewhere; the value is how many others."""

    name: str = "light"

    def judge(self, subject: Subject) -> Finding | None:
        """Weigh the number of tracks that began elsewhere at about the same time."""
        company = subject.features.company
        if company == 0:
            return None
        return Finding(company, 0.0 - min(MOST, PER_TRACK * max(0, company - USUAL)))
