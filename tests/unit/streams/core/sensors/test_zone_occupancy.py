"""``zone``: how many are inside, when that is full, and when it is full no more."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.geometry import Point
from streams.core.sensors.base import Fired
from tests.unit.streams.core.sensors.looks import LOST_MS, seen, sensor, watch

SQUARE = [[0.2, 0.2], [0.6, 0.2], [0.6, 0.6], [0.2, 0.6]]
IN: Point = (0.4, 0.4)
OUT: Point = (0.8, 0.4)


def crowd(
    *steps: tuple[float, str, Point], ended_s: dict[str, float] | None = None, **keys: Any
) -> list[Fired]:
    zone = sensor(kind="zone", points=SQUARE, **keys)
    return watch(zone, [seen(at, p, track=track) for at, track, p in steps], ended_s=ended_s)


def levels(fired: Sequence[Fired]) -> list[tuple[str, float, float, int | None]]:
    return [
        (item.trigger, item.triggered_at / 1000, item.since_at / 1000, item.count)
        for item in fired
        if item.trigger in ("occupied", "vacated")
    ]


def test_occupied_at_once_when_enough_are_inside_and_vacated_by_the_first_to_leave() -> None:
    fired = crowd(
        (0.0, "a", IN),
        (1.0, "b", IN),
        (2.0, "c", IN),
        (3.0, "c", OUT),
        (3.0, "b", OUT),
        (3.2, "a", IN),
        occupancy={"min": 2},
    )
    # c leaves at 3.0 and two are left; b's leaving, at 1.0 + 1.0 known at 3.0, brings it below.
    assert levels(fired) == [("occupied", 1.0, 1.0, 2), ("vacated", 2.0, 2.0, 1)]


def test_triggers_about_a_number_are_about_no_object() -> None:
    (occupied,) = [item for item in crowd((0.0, "a", IN), occupancy={"min": 1}) if item.count]
    assert (occupied.track, occupied.anchor, occupied.direction) == (None, None, None)


def test_occupied_for_a_while_fires_at_its_deadline_without_any_observation() -> None:
    fired = crowd((0.0, "a", IN), occupancy={"min": 1, "for_s": 1.5})
    (occupied,) = [item for item in fired if item.trigger == "occupied"]
    assert (occupied.triggered_at, occupied.since_at, occupied.known_at) == (1500, 0, 1500)


def test_a_break_starts_the_hold_over_and_fires_no_vacated() -> None:
    steps = ((0.0, "a", IN), (0.2, "a", OUT), (0.4, "b", IN))
    fired = crowd(*steps, occupancy={"min": 1, "for_s": 1.3}, leave_after_s=0.1)
    assert levels(fired) == [("occupied", 1.7, 0.4, 1)]


def test_one_in_one_out_without_a_break_keeps_the_hold() -> None:
    steps = ((0.0, "a", IN), (0.2, "b", IN), (0.4, "a", OUT))
    fired = crowd(*steps, occupancy={"min": 1, "for_s": 2.0}, leave_after_s=0.1)
    assert levels(fired) == [("occupied", 2.0, 0.0, 1)]


def test_visits_that_were_not_entered_do_not_count() -> None:
    fired = crowd((0.0, "a", IN), (0.4, "a", IN), occupancy={"min": 1}, enter_after_s=0.5)
    assert fired == []


def test_a_track_that_has_ended_counts_until_its_visit_is_left() -> None:
    fired = crowd(
        (0.0, "a", IN), (1.0, "b", IN), ended_s={"a": 2.0, "b": 3.0}, occupancy={"min": 2}
    )
    assert levels(fired) == [("occupied", 1.0, 1.0, 2), ("vacated", 2.0, 2.0, 1)]


@pytest.mark.parametrize("late_s", [0.0, 0.7])
def test_a_number_reached_before_confirmation_has_its_true_time(late_s: float) -> None:
    zone = sensor(kind="zone", points=SQUARE, occupancy={"min": 1, "for_s": 0.5})
    (entered, occupied) = watch(zone, [seen(1.0, IN, known_s=1.0 + late_s)])
    assert (entered.triggered_at, occupied.triggered_at) == (1000, 1500)
    assert occupied.known_at == max(1500, round((1.0 + late_s) * 1000))


@given(
    st.lists(
        st.tuples(st.integers(1, 12), st.sampled_from("abc"), st.sampled_from([IN, OUT])),
        max_size=25,
    ),
    st.integers(1, 3),
    st.integers(0, 15),
)
def test_the_number_inside_is_that_of_visits_entered_and_not_left(
    moves: list[tuple[int, str, Point]], least: int, for_tenths: int
) -> None:
    at, steps, last = 0.0, [], dict.fromkeys("abc", 0.0)
    for gap, track, place in moves:
        at += gap / 10
        steps.append((at, track, place))
        last[track] = at
    ended = {track: at + LOST_MS / 1000 for track, time in last.items() if time}
    occupancy = {"min": least, "for_s": for_tenths / 10}
    fired = crowd(*steps, ended_s=ended, occupancy=occupancy)
    inside, full = 0, False
    for item in fired:
        inside += {"entered": 1, "left": -1}.get(item.trigger, 0)
        if item.inside is not None:
            assert item.inside == inside
        if item.trigger == "occupied":
            assert not full and item.count == inside >= least
            full = True
        if item.trigger == "vacated":
            assert full and item.count == inside == least - 1
            full = False
    assert (inside, full) == (0, False)
