from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from schemas.records import Decision, Reason
from streams.core.grouping.level import level_of
from tests.unit.streams.core.grouping.deciding import decision as decided

SECOND = Reason(check="second_look", favours=True, value=0.9, weight=2.0)
CONFIRMED = Reason(check="operator", favours=True, value=1.0)


def decision(
    *reasons: Reason, score: float = 0.95, class_name: str = "person", **more: Any
) -> Decision:
    made = decided(1000)
    triggers = tuple(replace(one, class_name=class_name) for one in made.candidate.triggers)
    candidate = replace(made.candidate, class_name=class_name, triggers=triggers)
    return replace(made, candidate=candidate, score=score, reasons=reasons, **more)


@pytest.mark.parametrize(
    ("one", "severity", "level"),
    [
        (decision(verdict="suppressed"), "alert", 0),
        (decision(class_name="car"), "alert", 1),
        (decision(score=0.6), "alert", 1),
        (decision(), "alert", 2),
        (decision(SECOND, score=0.6), "warning", 2),
        (decision(CONFIRMED, score=0.1), "info", 2),
        (decision(SECOND), "alert", 3),
        (decision(CONFIRMED, score=0.1), "alert", 3),
    ],
)
def test_the_level_follows_from_what_is_known(one: Decision, severity: str, level: int) -> None:
    found = level_of(one, severity)
    assert found.level == level and found.rule


def test_a_second_sensor_bears_a_sighting_out() -> None:
    one = decision()
    (trigger,) = one.candidate.triggers
    both = (trigger, replace(trigger, sensor="another"))
    found = level_of(replace(one, candidate=replace(one.candidate, triggers=both)), "alert")
    assert (found.level, "second sensor" in found.rule) == (3, True)


def test_a_camera_alone_never_says_that_a_life_is_in_danger() -> None:
    assert level_of(decision(SECOND, CONFIRMED), "alert").level == 3
