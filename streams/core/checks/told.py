"""What did an operator say of the same kind of thing at the same place?"""

from __future__ import annotations

from dataclasses import dataclass

from streams.core.checks.check import Finding, Subject
from streams.core.learning.told import ENOUGH, Kind, place_of, word_on

PER_WORD = 0.8
MOST_FOR = 2.0


@dataclass(frozen=True)
class ToldCheck:
    """Against what was dismissed here; five dismissals are a veto. The value is their number.

    Confirmations count against dismissals: below zero they speak for it.
    """

    name: str = "told"

    def judge(self, subject: Subject) -> Finding | None:
        """Weigh the dismissals of the same rule, class and size at the track's place."""
        report, learned = subject.report, subject.learned
        if report is None or learned is None:
            return None
        place = place_of(subject.anchor, report.best.box)
        kind = Kind(subject.rule, report.class_name, place, report.box_height)
        count = word_on(learned, kind)
        if count is None:
            return None
        return Finding(count, min(MOST_FOR, -PER_WORD * count), veto=count >= ENOUGH)
