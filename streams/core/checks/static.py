"""Do things stand still here that nobody saw coming? A sign does, day by day, at one place."""

from __future__ import annotations

import math
from dataclasses import dataclass

from streams.core.checks.check import Finding, Subject, between
from streams.core.checks.moved import STILL_BY_NATURE
from streams.core.learning.place import epoch_of, still_here

CLEAR_OF_IT = 1.5
"""Box heights: what has moved this far is no sign, whatever else stands here."""
PER_DOUBLING, PER_HOUR = 1.2, 0.6
MOST = 4.0
NEW_AFTER_S = 5.0
NEW_MOST = 2.5
NEW_PER_DOUBLING = 0.4
SURE = 0.7
UNSURE = 0.5


@dataclass(frozen=True)
class StaticCheck:
    """Against what stands where others stood before; for what stands where never anything did.

    The value is the number of tracks of its class that stood there unmoved, its own aside, or minus
    the seconds for which the place had been seen empty.
    """

    name: str = "static"

    def judge(self, subject: Subject) -> Finding | None:
        """Weigh what the camera's map says of the track's place, less the more it has moved."""
        report, learned = subject.report, subject.learned
        if report is None or learned is None or subject.triggers <= STILL_BY_NATURE:
            return None
        doubt = between(0.0, (CLEAR_OF_IT - report.displacement) / CLEAR_OF_IT, 1.0)
        if doubt == 0:
            return None
        still = still_here(learned, report)
        if still.tracks > 0:
            weight = PER_DOUBLING * math.log2(1 + still.tracks) + PER_HOUR * (still.hours - 1)
            return Finding(still.tracks, -min(MOST, weight) * doubt)
        epoch_at = epoch_of(subject.track)
        if epoch_at is None:
            return None
        empty_s = (report.at - report.age_ms - epoch_at) / 1000
        if empty_s <= NEW_AFTER_S:
            return None
        # A flaw of the detector is new somewhere, too, but it is seldom sure of it.
        trust = between(0.0, (report.score - UNSURE) / (SURE - UNSURE), 1.0)
        weight = min(NEW_MOST, NEW_PER_DOUBLING * math.log2(empty_s / NEW_AFTER_S)) * trust
        return Finding(-empty_s, weight)
