"""``line``, clause by clause: what counts as a crossing, when, and which way."""

from collections.abc import Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from streams.core.geometry import Point
from streams.core.sensors.base import Fired
from tests.unit.streams.core.sensors.looks import HEIGHT, brief, seen, sensor, watch

LINE = sensor(kind="line", points=[[0.5, 0.2], [0.5, 0.8]])
FAR = 0.1 * HEIGHT * 1.5
"""Beyond the distance at which the line re-arms."""
NEAR = 0.1 * HEIGHT * 0.5


def walk(*xs: float, y: float = 0.5, step_s: float = 0.2) -> list[Fired]:
    """Return what LINE says of an object seen at each x in turn."""
    return watch(LINE, [seen(index * step_s, (x, y)) for index, x in enumerate(xs)])


def crossings(fired: Sequence[Fired]) -> list[tuple[float, str | None]]:
    return [(item.triggered_at / 1000, item.direction) for item in fired]


def test_t_is_the_first_observation_after_the_cut() -> None:
    (crossed,) = walk(0.4, 0.45, 0.55, 0.6)
    assert brief([crossed]) == [("crossed", 0.4, 0.4, 0.4)]
    assert (crossed.track, crossed.anchor, crossed.count) == ("t", (0.55, 0.5), None)


def test_forward_ends_on_the_right_hand_side_looking_from_the_first_point_to_the_second() -> None:
    assert crossings(walk(0.6, 0.4)) == [(0.2, "forward")]
    assert crossings(walk(0.4, 0.6)) == [(0.2, "backward")]


def test_the_line_ends_where_it_ends() -> None:
    assert walk(0.4, 0.6, y=0.81) == []
    assert len(walk(0.4, 0.6, y=0.79)) == 1


def test_an_observation_on_the_line_is_skipped() -> None:
    assert crossings(walk(0.4, 0.5, 0.5, 0.6)) == [(0.6, "backward")]
    assert walk(0.4, 0.5, 0.4) == []
    assert walk(0.5, 0.6) == []


def test_rounding_does_not_put_an_observation_beside_the_line_it_is_on() -> None:
    line = sensor(kind="line", points=[[0.3, 0.0], [0.3, 1.0]])
    looks = [seen(0.0, (0.2, 0.5)), seen(0.2, (0.1 + 0.2, 0.5)), seen(0.4, (0.2, 0.5))]
    assert watch(line, looks) == []


COMB = sensor(
    kind="line", points=[[0.3, 0.2], [0.3, 0.8], [0.5, 0.8], [0.5, 0.2], [0.7, 0.2], [0.7, 0.8]]
)


@pytest.mark.parametrize(
    ("end", "expected"),
    [(0.4, [(0.2, "backward")]), (0.6, []), (0.9, [(0.2, "backward")])],
    ids=["one cut", "two cuts", "three cuts"],
)
def test_a_step_counts_once_where_it_cuts_an_odd_number_of_times(
    end: float, expected: list[tuple[float, str]]
) -> None:
    fired = watch(COMB, [seen(0.0, (0.1, 0.5)), seen(0.2, (end, 0.5))])
    assert crossings(fired) == expected


def test_an_odd_step_takes_its_direction_from_its_last_cut() -> None:
    # Three cuts, all from the left; only the last tooth is drawn upwards.
    teeth = [[0.3, 0.2], [0.3, 0.8], [0.4, 0.9], [0.5, 0.8], [0.5, 0.2]]
    odd = sensor(kind="line", points=[*teeth, [0.7, 0.2], [0.7, 0.8], [0.9, 0.8], [0.9, 0.52]])
    fired = watch(odd, [seen(0.0, (0.4, 0.5)), seen(0.2, (0.8, 0.5))])
    assert fired == []
    fired = watch(odd, [seen(0.0, (0.1, 0.5)), seen(0.2, (0.8, 0.5))])
    assert crossings(fired) == [(0.2, "backward")]
    fired = watch(odd, [seen(0.0, (0.8, 0.5)), seen(0.2, (0.1, 0.5))])
    assert crossings(fired) == [(0.2, "forward")]
    flipped = sensor(
        kind="line",
        points=[[0.3, 0.8], [0.3, 0.2], [0.5, 0.2], [0.5, 0.8], [0.6, 0.9], [0.7, 0.8], [0.7, 0.2]],
    )
    fired = watch(flipped, [seen(0.0, (0.1, 0.5)), seen(0.2, (0.9, 0.5))])
    assert crossings(fired) == [(0.2, "forward")]


def test_going_out_and_coming_back_counts_two() -> None:
    assert crossings(walk(0.4, 0.6, 0.4)) == [(0.2, "backward"), (0.4, "forward")]


def test_disarmed_near_the_line_an_even_number_of_cuts_counts_nothing_more() -> None:
    fired = walk(0.5 - FAR, 0.5 + NEAR, 0.5 - NEAR, 0.5 + NEAR, 0.5 + FAR)
    assert crossings(fired) == [(0.2, "backward")]


def test_disarmed_an_odd_number_of_cuts_counts_the_last_one_at_rearming_with_its_own_time() -> None:
    fired = walk(0.5 - FAR, 0.5 + NEAR, 0.5 - NEAR, 0.5 + NEAR, 0.5 - NEAR, 0.5 - NEAR, 0.5 - FAR)
    assert brief(fired) == [("crossed", 0.2, 0.2, 0.2), ("crossed", 0.8, 0.8, 1.2)]
    assert crossings(fired)[1] == (0.8, "forward")
    assert fired[1].anchor == (0.5 - NEAR, 0.5)


def test_a_track_that_ends_disarmed_counts_no_more() -> None:
    looks = [seen(0.0, (0.4, 0.5)), seen(0.2, (0.5 + NEAR, 0.5)), seen(0.4, (0.5 - NEAR, 0.5))]
    assert crossings(watch(LINE, looks, ended_s={"t": 2.4})) == [(0.2, "backward")]


def test_exactly_at_the_rearm_distance_the_line_stays_disarmed() -> None:
    line = sensor(kind="line", points=[[0.5, 0.0], [0.5, 1.0]], rearm=0.5)
    box = (0.7, 0.25, 0.8, 0.75)
    looks = [
        seen(0.0, (0.25, 0.75)),
        seen(0.2, (0.75, 0.75), box=box),
        seen(0.4, (0.45, 0.75), box=(0.4, 0.0, 0.5, 0.5)),
        seen(0.6, (0.55, 0.75), box=(0.5, 0.0, 0.6, 0.5)),
    ]
    # 0.25 away from the line is exactly half the box height of 0.5: not beyond it.
    assert crossings(watch(line, looks)) == [(0.2, "backward")]


def test_the_rearm_distance_is_measured_in_frame_heights() -> None:
    line = sensor(kind="line", points=[[0.5, 0.0], [0.5, 1.0]], rearm=1.0)
    xs = (0.35, 0.65, 0.45, 0.55)
    narrow = [seen(index * 0.2, (x, 0.5), aspect=1.0) for index, x in enumerate(xs)]
    wide = [seen(index * 0.2, (x, 0.5), aspect=2.0) for index, x in enumerate(xs)]
    assert len(watch(line, narrow)) == 1
    assert len(watch(line, wide)) == 2


def test_a_path_from_before_confirmation_counts_with_its_true_time() -> None:
    looks = [seen(0.0, (0.4, 0.5), known_s=0.4), seen(0.2, (0.6, 0.5), known_s=0.4)]
    assert brief(watch(LINE, looks)) == [("crossed", 0.2, 0.2, 0.4)]


def test_several_objects_cross_in_one_frame_each_for_itself() -> None:
    looks = [
        seen(at, (x, y), track=track)
        for at, step in ((0.0, 0), (0.2, 1))
        for track, x, y in (("a", (0.4, 0.6)[step], 0.4), ("b", (0.6, 0.4)[step], 0.6))
    ]
    found = [(item.track, item.direction) for item in watch(LINE, looks)]
    assert found == [("a", "backward"), ("b", "forward")]


def test_only_fitting_objects_cross() -> None:
    cars = sensor(kind="line", points=[[0.5, 0.0], [0.5, 1.0]], classes=["car"])
    looks = [seen(0.0, (0.4, 0.5)), seen(0.2, (0.6, 0.5))]
    assert watch(cars, looks) == []
    assert len(watch(cars, [seen(0.0, (0.4, 0.5)), seen(0.2, (0.6, 0.5), class_name="car")])) == 1


@given(st.lists(st.floats(-0.9 * FAR, 0.9 * FAR), max_size=12))
def test_jitter_around_the_line_counts_one_when_it_ends_beyond_and_none_else(
    jitter: list[float],
) -> None:
    assume(all(abs(offset) > 1e-6 for offset in jitter))
    near = [0.5 + offset * (NEAR / FAR) for offset in jitter]
    assert len(walk(0.4, *near, 0.6)) == 1
    back = crossings(walk(0.4, *near, 0.4))
    assert len(back) in (0, 2)
    assert len({direction for _, direction in back}) == len(back)


off_the_line = st.floats(0, 1).filter(lambda x: abs(x - 0.5) > 1e-6)


@given(st.lists(off_the_line, min_size=1, max_size=20), st.floats(-0.3, 0.3))
def test_moving_or_mirroring_the_whole_scene_changes_only_directions(
    xs: list[float], shift: float
) -> None:
    def count(place: float, points: Sequence[float]) -> list[tuple[float, str | None]]:
        line = sensor(kind="line", points=[[place, 0.2], [place, 0.8]])
        looks = [
            seen(index * 0.2, (x, 0.5), box=(x - 0.1, 0.4, x + 0.1, 0.5))
            for index, x in enumerate(points)
        ]
        return crossings(watch(line, looks))

    inside = [0.35 + x * 0.3 for x in xs]
    assume(all(abs(abs(x - 0.5) - 0.01) > 1e-6 < abs(x - 0.5) for x in inside))
    turned = {"forward": "backward", "backward": "forward"}
    there = count(0.5, inside)
    assert count(0.5 + shift, [x + shift for x in inside]) == there
    mirrored = [(at, turned[str(direction)]) for at, direction in there]
    assert count(0.5, [1 - x for x in inside]) == mirrored


@given(st.lists(off_the_line, min_size=1, max_size=20))
def test_crossings_alternate_and_end_on_the_side_of_the_object(xs: list[float]) -> None:
    path: list[Point] = [(0.1, 0.5), *((x, 0.5) for x in xs), (0.9, 0.5)]
    fired = watch(LINE, [seen(index * 0.2, place) for index, place in enumerate(path)])
    directions = [item.direction for item in fired]
    assert directions == [("backward", "forward")[index % 2] for index in range(len(directions))]
    assert directions[-1] == "backward"
    ids = [(item.track, item.triggered_at) for item in fired]
    assert len(set(ids)) == len(ids)
