"""``stationary``: things left behind, and things taken away."""

from collections.abc import Sequence

from streams.core.geometry import Point
from streams.core.sensors.base import Seen
from tests.unit.streams.core.sensors.looks import HEIGHT, brief, seen, sensor, watch

BAG = sensor(kind="stationary", for_s=10)
PLACE = (0.5, 0.5)


def stands(
    start_s: float, end_s: float, place: Point = PLACE, track: str = "t", step_s: float = 0.5
) -> list[Seen]:
    steps = round((end_s - start_s) / step_s)
    return [seen(start_s + index * step_s, place, track=track) for index in range(steps + 1)]


def test_what_stands_is_abandoned_at_the_deadline_and_removed_as_long_after_it_was_last_seen() -> (
    None
):
    assert brief(watch(BAG, stands(1, 15), ended_s={"t": 17})) == [
        ("abandoned", 11.0, 1.0, 11.0),
        ("removed", 25.0, 15.0, 25.0),
    ]


def test_what_is_taken_before_the_deadline_was_never_left() -> None:
    assert watch(BAG, stands(0, 9.5), ended_s={"t": 11.5}) == []


def test_what_moves_on_begins_again_near_where_it_stops() -> None:
    walk = [seen(at / 2, (0.1 + 0.02 * at, 0.5)) for at in range(20)]
    fired = watch(BAG, [*walk, *stands(10, 22, (0.5, 0.5))], until_s=23)
    assert [item[:3] for item in brief(fired)] == [("abandoned", 19.0, 9.0)]


def test_swaying_within_a_quarter_of_its_height_is_standing() -> None:
    sway = [
        seen(at / 2, (0.5 + (-1) ** at * 0.24 * HEIGHT, 0.5)) for at in range(1, 24)
    ]  # between two sides of where it was first seen
    near = [seen(0, PLACE), *sway]
    assert [item[0] for item in brief(watch(BAG, near, until_s=12))] == ["abandoned"]


def test_a_thing_that_changes_its_track_keeps_its_place() -> None:
    looks: Sequence[Seen] = [*stands(0, 6), *stands(7, 14, track="u")]
    fired = watch(BAG, looks, ended_s={"t": 8, "u": 16})
    assert [(item.trigger, item.track) for item in fired] == [("abandoned", "u"), ("removed", "u")]
    assert brief(fired)[0][1:3] == (10.0, 0.0)


def test_two_things_at_one_place_are_two() -> None:
    looks = sorted(
        [*stands(0, 12), *stands(0, 12, (0.52, 0.5), track="u")], key=lambda look: look.at
    )
    assert len(watch(BAG, looks, until_s=13)) == 2


def test_only_the_polygon_and_the_filters_count() -> None:
    lawn = [[0.0, 0.0], [0.4, 0.0], [0.4, 1.0], [0.0, 1.0]]
    assert watch(sensor(kind="stationary", for_s=5, points=lawn), stands(0, 9)) == []
    assert watch(sensor(kind="stationary", for_s=5, classes=["car"]), stands(0, 9)) == []
    assert len(watch(sensor(kind="stationary", for_s=5), stands(0, 9), until_s=9)) == 1


def test_what_stays_is_told_once() -> None:
    assert len(watch(BAG, stands(0, 60), until_s=60)) == 1
