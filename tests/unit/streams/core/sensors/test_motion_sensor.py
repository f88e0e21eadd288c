"""``motion``: how long some of the picture has moved, and how long nothing has."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.sensors.base import Fired, Shown
from tests.unit.streams.core.sensing.scene import (
    EPOCH,
    beat,
    frame,
    numbered,
    plan,
    sense,
    triggers,
)
from tests.unit.streams.core.sensing.scene import brief as in_ms
from tests.unit.streams.core.sensors.looks import brief, sensor


def told(looks: Iterable[tuple[int, float | None]], **keys: object) -> list[Fired]:
    compiled = sensor(kind="motion", **keys)
    state = compiled.begin()
    return [fired for at, moved in looks for fired in compiled.show(state, Shown(at, moved))]


def test_it_starts_and_stops_at_the_deadlines_of_its_holds() -> None:
    moved = [(at, 0.02 if 1000 <= at < 3000 else 0.0) for at in range(0, 5000, 200)]
    assert brief(told(moved)) == [("started", 1.5, 1.0, 1.6), ("stopped", 3.5, 3.0, 3.6)]


def test_exactly_the_area_is_enough_and_less_is_not() -> None:
    steady = range(0, 2000, 200)
    assert [item.trigger for item in told([(at, 0.01) for at in steady])] == ["started"]
    assert told([(at, 0.0099) for at in steady]) == []
    assert told([(at, 0.2) for at in steady], area=0.3) == []


def test_one_quiet_frame_starts_the_hold_over() -> None:
    moved = [(at, 0.0 if at == 400 else 0.5) for at in range(0, 2000, 200)]
    assert brief(told(moved)) == [("started", 1.1, 0.6, 1.2)]


def test_the_first_frame_of_an_epoch_says_nothing_and_a_gap_starts_over() -> None:
    assert brief(told([(0, None), (200, 0.5), (600, 0.5), (800, 0.5)])) == [
        ("started", 0.7, 0.2, 0.8)
    ]
    assert brief(told([(0, 0.5), (2000, 0.5), (2400, 0.5), (2600, 0.5)])) == [
        ("started", 2.5, 2.0, 2.6)
    ]


@pytest.mark.parametrize("beats", [(), (2000, 2900, 3300, 3900)])
def test_while_pictures_are_held_back_nothing_moves(beats: tuple[int, ...]) -> None:
    moving = [frame(at, motion=0.1) for at in range(0, 3000, 200)]
    stretch = [beat(at, still=True) for at in beats if at > 2800]
    last = frame(5000, motion=0.0, still=True)
    compiled = plan({"eye": {"kind": "motion", "for_s": 1}}, motion_gate=True)
    readings = numbered([*moving, *stretch, last])
    _, found = sense(readings, compiled, restart_at=frozenset(range(len(readings))))
    assert [item[1:] for item in in_ms(triggers(found))] == [
        ("started", 1000, 0, 1000),
        ("stopped", 3800, 2800, 3800),
    ]


def test_a_frame_that_no_model_saw_shows_what_moves_all_the_same() -> None:
    dropped = [
        frame(at, motion=0.1, outcome="dropped", reason="overload") for at in range(0, 1000, 200)
    ]
    _, found = sense(numbered(dropped), plan({"eye": {"kind": "motion"}}))
    (started,) = triggers(found)
    assert (started.trigger, started.track, started.class_name) == ("started", None, None)
    assert started.triggered_at == EPOCH + 500


@given(st.lists(st.booleans(), max_size=60), st.integers(0, 900))
def test_started_and_stopped_alternate_and_each_was_held(moves: list[bool], hold_ms: int) -> None:
    looks = [(200 * n, 0.5 if moving else 0.0) for n, moving in enumerate(moves)]
    fired = told(looks, for_s=hold_ms / 1000)
    names = [item.trigger for item in fired]
    assert names == ["started", "stopped"] * (len(names) // 2) + ["started"] * (len(names) % 2)
    for item in fired:
        assert item.triggered_at == item.since_at + hold_ms <= item.known_at
        held = [moved for at, moved in looks if item.since_at <= at <= item.known_at]
        assert all((moved > 0) == (item.trigger == "started") for moved in held)
