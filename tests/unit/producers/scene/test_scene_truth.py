"""The truth agrees with the true boxes, and the scene has no doubtful cases."""

import itertools
from collections import Counter, defaultdict
from functools import lru_cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Polygon
from shapely.geometry import Point as Spot

from producers.scene import FPS, HEIGHT, WIDTH, boxes, truth
from producers.scene.actors import actors
from producers.scene.place import LINE, LINE_SENSOR, ZONE, ZONE_SENSOR, Point
from producers.scene.programme import CYCLE_FRAMES, CYCLE_S, cycle
from producers.scene.truth import side_of_line

SEEDS = (1, 2, 3)
MINUTES = 2
FRAME_MS = 1000 // FPS
HORIZON_MS = MINUTES * CYCLE_S * 1000


@lru_cache(maxsize=len(SEEDS))
def paths(seed: int) -> dict[str, dict[int, Point]]:
    """Return of everyone the anchor by frame, from the boxes."""
    found: dict[str, dict[int, Point]] = defaultdict(dict)
    for index in range(MINUTES * CYCLE_FRAMES):
        for name, x1, _, x2, y2 in boxes(seed, index):
            found[name][index] = ((x1 + x2) / 2, y2)
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_the_boxes_tell_the_same_crossings_and_visits(seed: int) -> None:
    line, zone = LineString(LINE), Polygon(ZONE)
    expected: set[tuple[int, str, str, str | None, str]] = set()
    for name, anchors in paths(seed).items():
        for before, after in itertools.pairwise(sorted(anchors)):
            a, b = anchors[before], anchors[after]
            if line.crosses(LineString((a, b))):
                direction = "forward" if b[0] > a[0] else "backward"
                expected.add((after * FRAME_MS, LINE_SENSOR, "crossed", direction, name))
            inside = [zone.covers(Spot(place)) for place in (a, b)]
            if inside[0] != inside[1]:
                trigger = "entered" if inside[1] else "left"
                expected.add((after * FRAME_MS, ZONE_SENSOR, trigger, None, name))
    found = [
        (event.at_ms, event.sensor, event.trigger, event.direction, event.object)
        for event in truth(seed, 0, HORIZON_MS)
    ]
    assert len(found) == len(expected)
    assert set(found) == expected


def test_forward_ends_on_the_right_hand_of_who_looks_along_the_line() -> None:
    (x1, y1), (x2, y2) = LINE
    assert y1 > y2, "the line runs up the screen, so its right hand is the screen's right"
    middle = ((x1 + x2) / 2, (y1 + y2) / 2)
    assert (
        side_of_line((middle[0] + 0.1, middle[1])) > 0 > side_of_line((middle[0] - 0.1, middle[1]))
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_every_minute_has_events_of_every_kind(seed: int) -> None:
    for start_ms in range(0, HORIZON_MS, 60_000):
        events = truth(seed, start_ms, start_ms + 60_000)
        kinds = Counter((event.trigger, event.direction) for event in events)
        assert len(events) >= 8
        assert kinds["crossed", "forward"] >= 2
        assert kinds["crossed", "backward"] >= 2
        assert kinds["entered", None] == kinds["left", None] >= 2


@settings(max_examples=30, deadline=None)
@given(times=st.lists(st.integers(0, HORIZON_MS), min_size=3, max_size=3).map(sorted))
def test_spans_that_meet_lose_and_repeat_nothing(times: list[int]) -> None:
    start, middle, end = times
    whole = truth(1, start, end)
    assert truth(1, start, middle) + truth(1, middle, end) == whole
    assert list(whole) == sorted(whole, key=lambda event: event.at_ms)


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_grazes_the_zone_or_lingers_on_the_line(seed: int) -> None:
    line, edge, zone = LineString(LINE), Polygon(ZONE).exterior, Polygon(ZONE)
    events = truth(seed, 0, HORIZON_MS)
    crossings = {(event.object, event.at_ms // FRAME_MS) for event in events if event.direction}
    stays: Counter[str] = Counter()
    for name, anchors in paths(seed).items():
        if name.startswith("car"):
            assert line.distance(LineString(list(anchors.values()))) > 0.1
            assert zone.distance(LineString(list(anchors.values()))) > 0.1
            continue
        depths = [edge.distance(Spot(place)) for place in anchors.values() if inside(place)]
        stays[name] = len(depths)
        assert not depths or (len(depths) > FPS and max(depths) > 0.04), (seed, name)
        for index, place in anchors.items():
            if line.distance(Spot(place)) < 0.02:
                near = [frame for who, frame in crossings if who == name]
                assert any(abs(index - frame) <= 5 for frame in near), (seed, name, index)
    assert sum(stay > 0 for stay in stays.values()) == sum(e.trigger == "entered" for e in events)


@pytest.mark.parametrize("seed", [*SEEDS, 11])
def test_bodies_keep_apart_and_are_gone_when_a_cycle_ends(seed: int) -> None:
    most = 0
    for index in range(0, MINUTES * CYCLE_FRAMES, 4):
        present = actors(seed, index)
        most = max(most, len(present))
        for one, other in itertools.combinations(present, 2):
            a, b = one.box, other.box
            aside = max(a[0], b[0]) - min(a[2], b[2])
            above = max(a[1], b[1]) - min(a[3], b[3])
            outside = max(a[0], b[0]) > WIDTH or min(a[2], b[2]) < 0
            assert outside or aside > 12 or above > 8, (seed, index, one.name, other.name)
    assert most >= 2
    for number in range(MINUTES):
        cast = cycle(seed, number)
        ways = [one.way for one in cast.walkers] + [one.way for one in cast.cars]
        assert max(way.end_s for way in ways) < CYCLE_S


def test_boxes_are_clipped_to_the_picture() -> None:
    for index in range(0, CYCLE_FRAMES, 7):
        for name, x1, y1, x2, y2 in boxes(1, index):
            assert 0 <= x1 < x2 <= 1, name
            assert 0 <= y1 < y2 <= 1, name
            assert (y2 - y1) * HEIGHT > 30


def inside(place: Point) -> bool:
    return bool(Polygon(ZONE).covers(Spot(place)))
