"""``proximity``: two objects that stay near each other."""

from typing import Any

from streams.core.geometry import Point
from streams.core.sensors.base import Fired, Seen
from tests.unit.streams.core.sensors.looks import brief, seen, sensor, watch

NEAR: dict[str, Any] = {"kind": "proximity", "classes": ["person", "car"], "distance": 0.2}
IN_METRES: dict[str, Any] = {"kind": "proximity", "classes": ["person", "car"], "distance_m": 1.5}


def pair(at_s: float, person: Point, car: Point) -> list[Seen]:
    return [
        seen(at_s, person, track="p", class_name="person"),
        seen(at_s, car, track="c", class_name="car"),
    ]


def meet(*distances: float, keys: dict[str, Any] = NEAR) -> list[Fired]:
    """Return what is said of a person and a car at these distances in turn."""
    looks = [
        look
        for index, distance in enumerate(distances)
        for look in pair(index * 0.2, (0.3, 0.5), (0.3 + distance, 0.5))
    ]
    return watch(sensor(**keys), looks)


def test_near_for_the_hold_fires_once_with_the_deadline_for_the_first_class() -> None:
    (near,) = fired = meet(*[0.1] * 12)
    assert brief(fired) == [("near", 1.0, 0.0, 1.0)]
    assert (near.track, near.anchor) == ("p", (0.3, 0.5))


def test_the_limit_itself_is_near_and_beyond_it_is_not() -> None:
    assert len(meet(*[0.2] * 8)) == 1
    assert meet(*[0.201] * 8) == []


def test_one_look_apart_starts_the_hold_over() -> None:
    assert brief(meet(0.1, 0.1, 0.1, 0.3, *[0.1] * 8)) == [("near", 1.8, 0.8, 1.8)]


def test_a_second_apart_ends_the_meeting_and_less_does_not() -> None:
    assert len(meet(*[0.1] * 8, *[0.3] * 3, *[0.1] * 8)) == 1
    assert len(meet(*[0.1] * 8, *[0.3] * 5, *[0.1] * 8)) == 2


def test_other_classes_and_the_order_of_the_looks_change_nothing() -> None:
    looks = [look for at in range(8) for look in reversed(pair(at * 0.2, (0.3, 0.5), (0.4, 0.5)))]
    dogs = [seen(at * 0.2, (0.31, 0.5), track="d", class_name="dog") for at in range(8)]
    fired = watch(sensor(**NEAR), sorted([*looks, *dogs], key=lambda look: look.at))
    assert brief(fired) == [("near", 1.0, 0.0, 1.0)]


def test_two_of_one_class_give_one_trigger_for_the_older() -> None:
    looks = [
        seen(at * 0.2, (0.3 + offset, 0.5), track=track)
        for at in range(8)
        for track, offset in (("gate-1-10-0", 0.1), ("gate-1-9-0", 0.0))
    ]
    (near,) = watch(sensor(**{**NEAR, "classes": ["person", "person"]}), looks)
    assert near.track == "gate-1-9-0"


def test_a_path_before_its_confirmation_meets_the_others_where_they_were_then() -> None:
    looks = [seen(at * 0.2, (0.3, 0.5), track="c", class_name="car") for at in range(6)]
    looks += [seen(at * 0.2, (0.35, 0.5), track="p", known_s=1.0) for at in range(6)]
    assert brief(watch(sensor(**NEAR), looks)) == [("near", 1.0, 0.0, 1.0)]


def test_metres_are_those_of_the_ground() -> None:
    assert len(meet(*[0.14] * 8, keys=IN_METRES)) == 1
    assert meet(*[0.16] * 8, keys=IN_METRES) == []


def test_what_has_ended_is_near_nobody() -> None:
    looks = [look for at in range(3) for look in pair(at * 0.2, (0.3, 0.5), (0.4, 0.5))]
    later = [look for at in range(6, 9) for look in pair(at * 0.2, (0.3, 0.5), (0.4, 0.5))]
    assert watch(sensor(**NEAR), [*looks, *later], ended_s={"c": 0.8}) == []
