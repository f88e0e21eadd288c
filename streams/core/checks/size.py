"""Is it as large as others of its class are at that place? Perspective, learned by watching."""

from __future__ import annotations

import math
from dataclasses import dataclass

from streams.core.checks.check import Finding, Subject, between
from streams.core.learning.perspective import expected_height

FOR = 0.5
MOST = 4.0


@dataclass(frozen=True)
class SizeCheck:
    """Against what is far too small or too large; the value is the ratio to what was expected."""

    name: str = "size"

    def judge(self, subject: Subject) -> Finding | None:
        """Weigh the height of the best box against the line that fits those seen before."""
        report, learned = subject.report, subject.learned
        if report is None or learned is None:
            return None
        x1, y1, x2, y2 = report.best.box
        # Whatever the edge of the picture cuts has no height of its own.
        if min(x1, y1) <= 0 or max(x2, y2) >= 1:
            return None
        expected = expected_height(learned, report.class_name, y2)
        if expected is None:
            return None
        ratio = (y2 - y1) / expected.height
        far = abs(math.log(ratio)) / expected.spread
        return Finding(ratio, between(-MOST, FOR - 0.5 * max(0.0, far - 1.0) ** 2, FOR))
