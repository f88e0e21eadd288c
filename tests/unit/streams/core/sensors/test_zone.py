"""``zone``, clause by clause: visits, holds, leaving."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.geometry import Point
from streams.core.sensors.base import Fired, Seen
from tests.unit.streams.core.sensors.looks import LOST_MS, brief, seen, sensor, watch

SQUARE = [[0.2, 0.2], [0.6, 0.2], [0.6, 0.6], [0.2, 0.6]]
IN: Point = (0.4, 0.4)
OUT: Point = (0.8, 0.4)
Step = tuple[float, Point]


def visit(*steps: Step, ended_s: float | None = None, **keys: Any) -> list[Fired]:
    """Return what a zone says of one object seen at these times and places."""
    zone = sensor(kind="zone", points=SQUARE, **keys)
    looks = [seen(at, place) for at, place in steps]
    return watch(zone, looks, ended_s=None if ended_s is None else {"t": ended_s})


def stay(start: float, end: float, place: Point = IN, every: float = 0.2) -> list[Step]:
    count = round((end - start) / every)
    return [(round(start + index * every, 3), place) for index in range(count + 1)]


def test_an_object_that_appears_inside_begins_a_visit() -> None:
    fired = visit((1.0, IN))
    assert brief(fired) == [("entered", 1.0, 1.0, 1.0)]
    assert (fired[0].track, fired[0].anchor, fired[0].direction) == ("t", IN, None)


@pytest.mark.parametrize("edge", [(0.6, 0.4), (0.2, 0.6), (0.2 + 0.4, 0.2 + 0.1)])
def test_the_edge_is_inside(edge: Point) -> None:
    assert len(visit((1.0, edge))) == 1


def test_concave_zones_have_an_outside_between_their_arms() -> None:
    arms = [
        [0.1, 0.1],
        [0.9, 0.1],
        [0.9, 0.9],
        [0.7, 0.9],
        [0.7, 0.3],
        [0.3, 0.3],
        [0.3, 0.9],
        [0.1, 0.9],
    ]
    zone = sensor(kind="zone", points=arms)
    assert watch(zone, [seen(0.0, (0.5, 0.6))]) == []
    assert len(watch(zone, [seen(0.0, (0.8, 0.6))])) == 1


def test_a_visit_goes_on_through_an_absence_shorter_than_leave_after() -> None:
    fired = visit((0.0, IN), (0.2, OUT), (0.999, IN), (1.2, OUT))
    assert brief(fired) == [("entered", 0.0, 0.0, 0.0), ("left", 1.999, 0.999, 1.999)]


def test_back_exactly_at_leave_after_is_too_late() -> None:
    fired = visit((0.0, IN), (0.2, OUT), (1.0, IN))
    assert brief(fired)[:3] == [
        ("entered", 0.0, 0.0, 0.0),
        ("left", 1.0, 0.0, 1.0),
        ("entered", 1.0, 1.0, 1.0),
    ]


def test_left_counts_from_the_last_inside_observation_and_is_known_by_an_outside_one() -> None:
    fired = visit((0.0, IN), (1.5, OUT))
    assert brief(fired) == [("entered", 0.0, 0.0, 0.0), ("left", 1.0, 0.0, 1.5)]
    assert fired[1].anchor == IN


def test_unseen_is_not_outside() -> None:
    fired = visit((0.0, IN), (1.9, IN), ended_s=3.9)
    assert brief(fired) == [("entered", 0.0, 0.0, 0.0), ("left", 3.9, 1.9, 3.9)]


@pytest.mark.parametrize(("leave_after_s", "left_s"), [(1.0, 2.0), (3.0, 3.0)])
def test_a_track_that_ends_inside_has_left_after_the_longer_of_both_limits(
    leave_after_s: float, left_s: float
) -> None:
    fired = visit((0.0, IN), ended_s=2.0, leave_after_s=leave_after_s)
    assert brief(fired)[1:] == [("left", left_s, 0.0, left_s)]


def test_a_track_that_ends_outside_has_left_by_the_rule_for_outside() -> None:
    fired = visit((0.0, IN), (0.2, OUT), ended_s=2.2, leave_after_s=5.0)
    assert brief(fired)[1:] == [("left", 5.0, 0.0, 5.0)]


def test_entered_has_the_deadline_as_t_and_is_decided_by_the_first_observation_at_or_after() -> (
    None
):
    assert brief(visit(*stay(0.0, 0.8), enter_after_s=0.5)) == [("entered", 0.5, 0.0, 0.6)]
    assert brief(visit(*stay(0.0, 0.8), enter_after_s=0.4)) == [("entered", 0.4, 0.0, 0.4)]


def test_an_outside_observation_starts_the_hold_of_entered_over() -> None:
    steps = [*stay(0.0, 0.4), (0.6, OUT), *stay(0.8, 1.4)]
    assert brief(visit(*steps, enter_after_s=0.5)) == [("entered", 1.3, 0.8, 1.4)]


def test_a_visit_that_ends_before_its_hold_never_entered_and_never_left() -> None:
    assert visit(*stay(0.0, 0.4), (0.6, OUT), (3.0, OUT), enter_after_s=0.5) == []
    assert visit(*stay(0.0, 0.4), ended_s=2.4, enter_after_s=0.5) == []


def test_dwelled_comes_once_a_visit_counted_from_its_beginning() -> None:
    fired = visit(*stay(0.0, 3.0), dwell_s=1.5)
    assert brief(fired) == [("entered", 0.0, 0.0, 0.0), ("dwelled", 1.5, 0.0, 1.6)]
    again = visit(*stay(0.0, 0.4), (0.6, OUT), (2.0, OUT), *stay(2.2, 3.0), dwell_s=0.3)
    assert [item for item in brief(again) if item[0] == "dwelled"] == [
        ("dwelled", 0.3, 0.0, 0.4),
        ("dwelled", 2.5, 2.2, 2.6),
    ]


def test_dwelled_survives_a_short_absence_over_its_deadline() -> None:
    steps = [*stay(0.0, 1.0), (1.2, OUT), (1.8, IN)]
    assert ("dwelled", 1.5, 0.0, 1.8) in brief(visit(*steps, dwell_s=1.5))


def test_dwelled_needs_an_inside_observation_at_or_after_its_deadline() -> None:
    assert "dwelled" not in [
        item[0] for item in brief(visit(*stay(0.0, 1.4), ended_s=3.4, dwell_s=1.5))
    ]


def test_a_path_from_before_confirmation_counts_with_its_true_times() -> None:
    zone = sensor(kind="zone", points=SQUARE, leave_after_s=0.1)
    looks = [
        seen(at, place, known_s=0.6) for at, place in ((0.0, IN), (0.2, OUT), (0.4, OUT), (0.6, IN))
    ]
    assert brief(watch(zone, looks))[:3] == [
        ("entered", 0.0, 0.0, 0.6),
        ("left", 0.1, 0.0, 0.6),
        ("entered", 0.6, 0.6, 0.6),
    ]


@pytest.mark.parametrize(
    "keys",
    [
        {"classes": ["car"]},
        {"size": {"min": 0.03}},
        {"size": {"max": 0.01}},
        {"heading": {"towards_deg": 90}},
    ],
)
def test_what_does_not_fit_the_filters_is_not_inside(keys: dict[str, Any]) -> None:
    zone = sensor(kind="zone", points=SQUARE, **keys)
    assert watch(zone, [seen(0.0, IN, heading_deg=200.0)]) == []
    assert len(watch(sensor(kind="zone", points=SQUARE), [seen(0.0, IN)])) == 1


@pytest.mark.parametrize(
    ("heading_deg", "inside"), [(350.0, True), (20.0, True), (20.1, False), (None, False)]
)
def test_headings_are_compared_around_the_circle(heading_deg: float | None, inside: bool) -> None:
    zone = sensor(kind="zone", points=SQUARE, heading={"towards_deg": 350})
    assert bool(watch(zone, [seen(0.0, IN, heading_deg=heading_deg)])) is inside


def test_the_anchor_may_be_the_centre() -> None:
    low = (0.4, 0.65)
    assert visit((0.0, low)) == []
    assert len(visit((0.0, low), anchor="centre")) == 1


def _expected(
    steps: Sequence[tuple[int, bool]], enter: int, leave: int, dwell: int
) -> list[tuple[str, int, int, int]]:
    """Apply the contract's sentences to the whole of a track's observations at once."""

    def outside(start: int, end: float) -> list[int]:
        return [at for at, inside in steps if not inside and start < at < end]

    inside_at = [at for at, inside in steps if inside]
    visits: list[list[int]] = []
    for at in inside_at:
        last = visits[-1][-1] if visits else None
        if last is not None and (not outside(last, at) or at < last + leave):
            visits[-1].append(at)
        else:
            visits.append([at])
    found: list[tuple[str, int, int, int]] = []
    for stays in visits:
        begun = [stays[0], *(b for a, b in pairwise(stays) if outside(a, b))]
        entries = [
            (start + enter, start, at)
            for start in begun
            for at in stays
            if at >= start + enter and not outside(start, at)
        ]
        if entries:
            t, since, known = min(entries, key=lambda item: item[2])
            found.append(("entered", t, since, known))
        decided = [at for at in stays if at >= stays[0] + dwell]
        if decided:
            found.append(("dwelled", stays[0] + dwell, stays[0], decided[0]))
        if entries:
            last = stays[-1]
            after = outside(last, float("inf"))
            left = last + (leave if after else max(leave, LOST_MS))
            found.append(("left", left, last, max(left, after[0] if after else left)))
    return sorted(found)


@st.composite
def steps_of_one_track(draw: st.DrawFn) -> list[tuple[int, bool]]:
    gaps = draw(st.lists(st.integers(1, 19), min_size=1, max_size=14))
    at, steps = 0, []
    for gap in gaps:
        at += gap * 100
        steps.append((at, draw(st.booleans())))
    return steps


@given(steps_of_one_track(), st.integers(0, 12), st.integers(0, 30), st.integers(0, 30))
def test_any_path_gives_what_the_sentences_say(
    steps: list[tuple[int, bool]], enter: int, leave: int, dwell: int
) -> None:
    limits = {"enter_after_s": enter / 10, "leave_after_s": leave / 10, "dwell_s": dwell / 10}
    zone = sensor(kind="zone", points=SQUARE, **limits)
    looks: list[Seen] = [seen(at / 1000, IN if inside else OUT) for at, inside in steps]
    ended = {"t": steps[-1][0] / 1000 + LOST_MS / 1000}
    found = [
        (item.trigger, item.triggered_at, item.since_at, item.known_at)
        for item in watch(zone, looks, ended_s=ended)
    ]
    assert sorted(found) == _expected(steps, enter * 100, leave * 100, dwell * 100)
