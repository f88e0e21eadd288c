"""Does it look and go like an object? Rain, insects before the lens and shadows do not."""

from __future__ import annotations

from dataclasses import dataclass

from streams.core.checks.check import PERSON, Finding, Subject, between

USUAL_JUMP = 0.15
"""Detectors' boxes change their height by .02 to .1 from one sighting to the next."""
JUMP_SLOPE = 8.0
USUAL_WASTE = 3.0
"""Box heights a second. A box that trembles by .03 at 25 frames a second makes about one."""
WALKER_MOST = 7.0
"""Box heights a second: no one runs faster."""
WASTE_SLOPE = 0.6
STRAIGHT, CROOKED = 0.75, 0.35
"""Displacement by way: who walks in comes to .9, what drifts by chance to .5 within seconds."""
LEAST_AWAY = 0.25
"""Of what has not come this far the check ``moved`` says enough."""
YOUNG_S = 5.0
"""After this long people turn round, too."""
THINNEST, FLATTEST = 0.15, 6.0
FLATTEST_PERSON = 1.0
FLATNESS_SLOPE = 6.0
MOST = 3.0
MOST_OUTLINE = 5.0


@dataclass(frozen=True)
class SizeJumpsCheck:
    """Against a box that swells and shrinks; the value is the mean |ln| of the height's ratios."""

    name: str = "size_jumps"

    def judge(self, subject: Subject) -> Finding | None:
        """Weigh the mean jump of the box's height."""
        if subject.report is None or subject.report.observations < 3:
            return None
        jump = subject.features.jump
        return Finding(jump, 0.0 - between(0.0, JUMP_SLOPE * (jump - USUAL_JUMP), MOST))


@dataclass(frozen=True)
class PathCheck:
    """Against what darts about or drifts; the value is displacement by way, 1 for a straight line."""

    name: str = "path"

    def judge(self, subject: Subject) -> Finding | None:
        """Weigh the way that led nowhere, of the box and of its smoothed centre, and the speed."""
        report = subject.report
        if report is None or report.observations < 3 or report.age_ms <= 0:
            return None
        speed = subject.features.travelled / subject.age_s
        waste = max(0.0, speed - report.displacement / subject.age_s)
        excess = waste - USUAL_WASTE
        if report.class_name == PERSON:
            excess = max(excess, speed - WALKER_MOST)
        against = between(0.0, WASTE_SLOPE * excess, MOST)
        way = subject.features.way
        if not way or report.displacement < LEAST_AWAY:
            return Finding(1.0, 0.0 - against)
        straight = min(1.0, report.displacement / way)
        drift = between(0.0, (STRAIGHT - straight) / (STRAIGHT - CROOKED), 1.0)
        against += MOST * drift * min(1.0, YOUNG_S / subject.age_s)
        return Finding(straight, 0.0 - min(against, MOST))


@dataclass(frozen=True)
class OutlineCheck:
    """Against streaks and, as people, puddles of shadow; the value is width by height."""

    name: str = "outline"

    def judge(self, subject: Subject) -> Finding | None:
        """Weigh the mean width by the mean height."""
        aspect = subject.features.aspect
        if aspect is None:
            return None
        if not THINNEST <= aspect <= FLATTEST:
            return Finding(aspect, -MOST_OUTLINE)
        if subject.report is not None and subject.report.class_name == PERSON:
            # The mean over the life: who falls was upright before.
            return Finding(
                aspect,
                0.0 - between(0.0, FLATNESS_SLOPE * (aspect - FLATTEST_PERSON), MOST_OUTLINE),
            )
        return Finding(aspect, 0.0)
