from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.records import TrackReport
from streams.core.learning import perspective, place
from streams.core.learning.learn import CAMERA_LIMIT, learn, learned_of
from streams.core.learning.perspective import expected_height
from streams.core.learning.place import HALF_LIFE_MS, Learned, still_here
from streams.core.learning.told import ENOUGH, LEAST, WORD_LIMIT, Kind, hear, word_on
from tests.unit.streams.core.rules.scenario import report as make_report

HOUR_MS = 3_600_000


def report(
    number: int,
    at: int = 10_000,
    *,
    moved: float = 0.05,
    foot: float = 0.5,
    height: float = 0.2,
    x: float = 0.3,
    camera: str = "gate",
    age_ms: int = 5000,
) -> TrackReport:
    made = make_report(f"{camera}-0-{number}-0", at, moved)
    best = replace(made.best, box=(x - 0.05, foot - height, x + 0.05, foot), captured_at=at)
    return replace(made, best=best, box_height=height, age_ms=age_ms)


def learned(*reports: TrackReport) -> Learned:
    known: dict[str, Learned] = {}
    for one in reports:
        learn(known, one)
    return known["gate"]


def test_each_track_that_stands_counts_once() -> None:
    found = learned(*(report(n, 1000 * t) for n in range(3) for t in range(10, 20)))
    assert still_here(found, report(9)).tracks == pytest.approx(3, abs=0.01)
    assert still_here(found, report(2)).tracks == pytest.approx(2, abs=0.01)
    assert still_here(found, report(9, x=0.6)).tracks == 0
    assert still_here(found, replace(report(9), class_name="car")).tracks == 0


def test_what_is_seen_shortly_or_walks_does_not_count() -> None:
    assert still_here(learned(report(1, age_ms=1000)), report(9)).tracks == 0
    assert still_here(learned(report(1, moved=0.3)), report(9)).tracks == 0


def test_who_stands_first_and_walks_later_is_taken_back() -> None:
    found = learned(report(1), report(1, 20_000, moved=2.0, x=0.7))
    assert still_here(found, report(9)).tracks == 0 and found.cells == {}


def test_hours_are_told_apart_and_counts_halve_within_a_week() -> None:
    found = learned(report(1), report(2, HOUR_MS), report(3, 2 * HOUR_MS), report(4, 2 * HOUR_MS))
    assert still_here(found, report(9, 2 * HOUR_MS)).hours == 3
    later = still_here(found, report(9, 2 * HOUR_MS + HALF_LIFE_MS))
    assert later.tracks == pytest.approx(2, abs=0.1)


def walkers(chance: random.Random, count: int, false: float = 0.0) -> list[TrackReport]:
    """People on flat ground: .6 of the way from the horizon at .2; some mistakes among them."""
    found = []
    for number in range(count):
        foot = chance.uniform(0.35, 0.95)
        height = 0.6 * (foot - 0.2) * chance.uniform(0.9, 1.1)
        if chance.random() < false:
            height = chance.uniform(0.02, 0.3)
        made = report(number, 1000 * number, moved=2.0, foot=foot, height=height)
        found.append(replace(made, score=0.8))
    return found


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_perspective_is_learned_though_a_fifth_are_mistakes(seed: int) -> None:
    found = learned(*walkers(random.Random(seed), 80, false=0.2))
    for foot in (0.45, 0.65, 0.85):
        expected = expected_height(found, "person", foot)
        assert expected is not None
        assert expected.height == pytest.approx(0.6 * (foot - 0.2), rel=0.35)


def test_of_sizes_little_seen_or_far_away_nothing_is_told() -> None:
    assert expected_height(learned(*walkers(random.Random(1), 5)), "person", 0.6) is None
    found = learned(*walkers(random.Random(1), 80))
    assert expected_height(found, "person", 0.05) is None
    assert expected_height(found, "car", 0.6) is None


def test_the_same_kind_at_the_same_place_is_one_word() -> None:
    known = Learned()
    kind = Kind("rule", "person", (0.4, 0.5), 0.2)
    for at in range(ENOUGH):
        hear(known.words, kind, "dismissed", at)
    near = msgspec.structs.replace(kind, place=(0.41, 0.5), height=0.22)
    assert word_on(known, near) == ENOUGH and len(known.words) == 1
    for other in (
        msgspec.structs.replace(kind, rule="another"),
        msgspec.structs.replace(kind, class_name="car"),
        msgspec.structs.replace(kind, place=(0.8, 0.5)),
        msgspec.structs.replace(kind, height=0.5),
    ):
        assert word_on(known, other) is None
    for at in range(20):
        hear(known.words, kind, "confirmed", at)
    assert word_on(known, kind) == LEAST


REPORTS = st.lists(
    st.tuples(
        st.integers(0, 50),
        st.integers(0, 10 * HOUR_MS),
        st.floats(0, 3),
        st.floats(0.25, 1.0),
        st.floats(0.05, 0.2),
        st.floats(0, 1),
    ),
    max_size=60,
)


@settings(max_examples=50, deadline=None)
@given(steps=REPORTS)
def test_what_is_learned_is_stored_and_restored_exactly(steps: list[Any]) -> None:
    known: dict[str, Learned] = {}
    for number, at, moved, foot, height, x in steps:
        learn(known, report(number, at, moved=moved, foot=foot, height=height, x=x))
    packed = msgspec.msgpack.encode(known)
    assert msgspec.msgpack.decode(packed, type=dict[str, Learned]) == known


def test_everything_is_bounded(monkeypatch: Any) -> None:
    monkeypatch.setattr(place, "CELL_LIMIT", 10)
    monkeypatch.setattr(place, "TRACK_LIMIT", 10)
    known: dict[str, Learned] = {}
    chance = random.Random(3)
    for number in range(400):
        still = report(number, number, foot=chance.uniform(0.2, 1), x=chance.uniform(0, 1))
        learn(known, still)
        learn(known, replace(still, displacement=2.0, score=0.9, class_name=f"c{number % 20}"))
        learn(known, report(number, camera=f"cam{number}"))
    assert len(known) <= CAMERA_LIMIT
    found = known.get("gate") or Learned()
    assert len(found.cells) <= 10 and len(found.standing) <= 10
    assert len(found.sizes) <= perspective.CLASS_LIMIT
    for number in range(2 * WORD_LIMIT):
        hear(found.words, Kind(f"r{number}", "person", (0.5, 0.5), 0.2), "dismissed", number)
    assert len(found.words) == WORD_LIMIT


def test_what_another_version_learned_is_not_used() -> None:
    known = {"gate": Learned(format=99)}
    assert learned_of(known, "gate-0-1-0") is None
    learn(known, report(1))
    assert known["gate"].format == place.FORMAT
