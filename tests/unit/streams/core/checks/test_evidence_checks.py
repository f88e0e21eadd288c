from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from schemas.records import TrackReport
from streams.core.checks.check import Check, Finding, Subject
from streams.core.checks.features import Features, features_of
from streams.core.checks.light import LightCheck
from streams.core.checks.second_look import SecondLookCheck
from streams.core.checks.shape import OutlineCheck, PathCheck, SizeJumpsCheck
from streams.core.checks.size import SizeCheck
from streams.core.checks.static import StaticCheck
from streams.core.learning.learn import learn
from streams.core.learning.place import Learned
from tests.unit.streams.core.rules.scenario import report as make_report


def report(track: str = "gate-0-1-0", at: int = 60_000, **more: Any) -> TrackReport:
    values: dict[str, Any] = {"age_ms": 2000, **more}
    return replace(make_report(track, at, more.pop("displacement", 0.05)), **values)


def finding(
    check: Check, one: TrackReport, learned: Learned | None = None, **features: Any
) -> Finding:
    found = found_or_none(check, one, learned, **features)
    assert found is not None
    return found


def found_or_none(
    check: Check, one: TrackReport, learned: Learned | None = None, **features: Any
) -> Finding | None:
    subject = Subject(
        track=one.track,
        triggers=frozenset({"entered"}),
        score=one.score,
        report=one,
        min_score=0.0,
        features=Features(**features),
        learned=learned,
    )
    return check.judge(subject)


def test_details_of_another_make_tell_nothing() -> None:
    assert features_of("nonsense") == Features() == features_of("{}")
    told = features_of(json.dumps({"jump": 0.3, "company": 4, "new": True}))
    assert (told.jump, told.company) == (0.3, 4)


def stood(count: int, hours: int = 1) -> Learned:
    known: dict[str, Learned] = {"gate": Learned()}
    for number in range(count):
        at = number * hours * 3_600_000 // max(1, count)
        learn(known, report(f"gate-0-{100 + number}-0", at, age_ms=5000))
    return known["gate"]


def test_where_signs_stood_a_thing_that_stands_is_doubted_and_the_more_the_longer() -> None:
    weights = [finding(StaticCheck(), report(), stood(n)).weight for n in (1, 4, 30)]
    assert 0 > weights[0] > weights[1] > weights[2]
    by_day = finding(StaticCheck(), report(), stood(4, hours=4)).weight
    assert by_day < weights[1]
    assert found_or_none(StaticCheck(), report(displacement=2.0), stood(30)) is None


def test_a_thing_that_stands_where_nothing_ever_did_is_likely_real_if_it_is_seen_surely() -> None:
    sure = finding(StaticCheck(), report(score=0.85), Learned())
    assert sure.weight > 0.5 and sure.value < 0
    assert finding(StaticCheck(), report(score=0.5), Learned()).weight == 0
    at_once = report(at=3000, score=0.85)
    assert found_or_none(StaticCheck(), at_once, Learned()) is None


def test_light_speaks_against_what_began_with_many_others() -> None:
    assert found_or_none(LightCheck(), report(), company=0) is None
    assert finding(LightCheck(), report(), company=2).weight == 0
    few, many = (finding(LightCheck(), report(), company=n).weight for n in (3, 8))
    assert 0 > few > many


def test_size_speaks_against_what_does_not_fit_the_place() -> None:
    known: dict[str, Learned] = {}
    for number in range(40):
        foot = 0.4 + 0.5 * number / 40
        box = (0.4, foot - 0.5 * (foot - 0.2), 0.5, foot)
        best = replace(make_report("x", number).best, box=box, captured_at=number)
        seen = report(f"gate-0-{number}-0", number, displacement=2.0, score=0.8, best=best)
        learn(known, replace(seen, displacement=2.0))
    for scale, sign in ((1.0, 1), (0.3, -1), (3.0, -1)):
        box = (0.4, 0.7 - scale * 0.25, 0.5, 0.7)
        one = report(best=replace(report().best, box=box))
        found = found_or_none(SizeCheck(), one, known["gate"])
        assert found is None if box[1] <= 0 else found is not None
        if found is not None:
            assert found.weight * sign > 0
            assert found.value == pytest.approx(scale, rel=0.2)
    cut = report(best=replace(report().best, box=(0.4, 0.9, 0.5, 1.0)))
    assert found_or_none(SizeCheck(), cut, known["gate"]) is None


def test_boxes_that_swell_and_shrink_are_doubted() -> None:
    assert finding(SizeJumpsCheck(), report(), jump=0.08).weight == 0
    assert finding(SizeJumpsCheck(), report(), jump=0.4).weight < -1.5


def test_a_straight_way_is_fine_and_darting_or_drifting_about_is_not() -> None:
    walker = report(displacement=2.0)
    assert finding(PathCheck(), walker, travelled=2.2, way=2.05).weight == 0
    drifting = report(displacement=0.5)
    assert finding(PathCheck(), drifting, travelled=2.0, way=1.5).weight < -1.5
    insect = report(displacement=1.5)
    assert finding(PathCheck(), insect, travelled=20.0, way=2.0).weight <= -2.5
    loiterer = report(displacement=0.5, age_ms=60_000)
    assert finding(PathCheck(), loiterer, travelled=6.0, way=1.5).weight > -0.5


def test_streaks_and_puddles_of_shadow_are_no_people() -> None:
    weights = {a: finding(OutlineCheck(), report(), aspect=a).weight for a in (0.08, 0.4, 2.0)}
    assert weights[0.4] == 0 and weights[0.08] < -2 and weights[2.0] < -2
    car = replace(report(), class_name="car")
    assert finding(OutlineCheck(), car, aspect=2.0).weight == 0
    assert found_or_none(OutlineCheck(), report()) is None


def test_the_second_stage_speaks_for_or_against_where_it_knows_the_class() -> None:
    check = SecondLookCheck()
    assert found_or_none(check, report()) is None
    assert found_or_none(check, report(), attributes={"ppe": {"helmet": 0.9}}) is None
    sure = finding(check, report(), attributes={"verifier": {"person": 0.9}})
    nothing = finding(check, report(), attributes={"verifier": {"background": 0.9}})
    assert sure.weight == pytest.approx(-nothing.weight) and sure.weight > 2
    both = {"one": {"person": 0.9}, "two": {"person": 0.2}}
    assert finding(check, report(), attributes=both).value == 0.2
