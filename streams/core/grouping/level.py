"""The level of an event after ANSI/TMA-AVS-01, and the rule by which it was given.

The standard grades an alarm by what is known when it is passed on: 0 no call for service, 1 a call
with little or no further information, 2 a human is present, confirmed or highly probable, with
unknown intent, 3 a threat to property is confirmed, 4 a threat to life is confirmed.

What a camera sees alone never confirms a threat: levels 3 and 4 need a person's word, or two
independent witnesses of a rule that its author graded an alert. 4 is left to people altogether.
"""

from __future__ import annotations

from dataclasses import dataclass

from schemas.records import Decision

PERSON = "person"
HIGHLY_PROBABLE = 0.9
"""The score from which on a human's presence counts as highly probable."""
OPERATOR = "operator"
SECOND_LOOK = "second_look"


@dataclass(frozen=True, slots=True)
class Level:
    """``level`` 0..4 and the ``rule`` that gave it, for a person to read."""

    level: int
    rule: str


def level_of(decision: Decision, severity: str) -> Level:
    """Return the level that one candidate justifies; an event has the highest of its candidates'.

    ``severity`` is the rule's.
    """
    if decision.verdict == "suppressed":
        return Level(0, "suppressed by the filter or an operator")
    candidate = decision.candidate
    classes = {t.class_name for t in candidate.triggers} | {candidate.class_name}
    checks = {reason.check: reason for reason in decision.reasons}
    confirmed = OPERATOR in checks and checks[OPERATOR].favours
    if PERSON not in classes:
        return Level(1, "accepted; no human was recognised")
    witnesses = _witnesses(decision)
    if not confirmed and not witnesses and decision.score < HIGHLY_PROBABLE:
        return Level(1, f"a human, with a score below {HIGHLY_PROBABLE}")
    if severity == "alert" and confirmed:
        return Level(3, "a human, in a rule graded alert, confirmed by an operator")
    if severity == "alert" and witnesses:
        return Level(
            3, f"a human, in a rule graded alert, corroborated by {' and '.join(witnesses)}"
        )
    if confirmed:
        return Level(2, "a human, confirmed by an operator")
    if witnesses:
        return Level(2, f"a human, corroborated by {' and '.join(witnesses)}")
    return Level(2, f"a human, with a score of at least {HIGHLY_PROBABLE}")


def _witnesses(decision: Decision) -> list[str]:
    """Return what bears a sighting out independently: a second sensor, or a second model."""
    found: list[str] = []
    places = {(trigger.camera, trigger.sensor) for trigger in decision.candidate.triggers}
    if len(places) > 1:
        found.append("a second sensor")
    looked = [r for r in decision.reasons if r.check == SECOND_LOOK and r.favours and r.weight > 0]
    if looked:
        found.append("a second model")
    return found
