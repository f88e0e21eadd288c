"""What does the second stage say? A model that looks at a cut-out of the object, where there is one."""

from __future__ import annotations

import math
from dataclasses import dataclass

from streams.core.checks.check import Finding, Subject, between

NOTHING = frozenset({"background", "none", "nothing", "other"})
"""Labels by which a verifier says that there is no such object."""
SUREST = 0.95


@dataclass(frozen=True)
class SecondLookCheck:
    """For or against by the mean score that models of the second stage give the track's class.

    The value is the probability that the least convinced of them gives.
    """

    name: str = "second_look"

    def judge(self, subject: Subject) -> Finding | None:
        """Weigh the models that know the class, or know that it is nothing."""
        report = subject.report
        if report is None:
            return None
        found: list[float] = []
        for labels in subject.features.attributes.values():
            if report.class_name in labels:
                found.append(labels[report.class_name])
            elif NOTHING & labels.keys():
                found.append(1 - max(labels[name] for name in NOTHING & labels.keys()))
        if not found:
            return None
        least = between(0.0, min(found), 1.0)
        held = between(1 - SUREST, least, SUREST)
        return Finding(least, math.log(held / (1 - held)))
