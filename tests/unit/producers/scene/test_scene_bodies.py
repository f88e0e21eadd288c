"""Ways, limbs and bodies: what must hold whatever the numbers are."""

import doctest
import importlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.scene.car import LENGTH, CarPose, car
from producers.scene.figure import Look, Pose, figure
from producers.scene.shapes import box_around, capsule
from producers.scene.way import Stop, Way, way_through

LOOK = Look(1.0, (30, 30, 120), (40, 40, 40), (20, 20, 20), (150, 180, 220), (30, 30, 30))
COORDINATES = st.floats(-100, 700)
WAYS = st.builds(
    way_through,
    st.lists(
        st.builds(Stop, COORDINATES, COORDINATES, st.sampled_from([0.0, 0.5, 2.0])),
        min_size=2,
        max_size=5,
        unique_by=lambda stop: (round(stop.x), round(stop.y)),
    ),
    st.floats(0, 50),
    st.floats(20, 200),
)


@pytest.mark.parametrize("module", ["place", "way", "shapes"])
def test_the_examples_hold(module: str) -> None:
    result = doctest.testmod(importlib.import_module(f"producers.scene.{module}"))
    assert result.attempted > 0
    assert result.failed == 0


@given(way=WAYS, part=st.floats(0, 1), step_s=st.floats(0.001, 1))
def test_nobody_jumps_or_goes_back_in_their_count_of_steps(
    way: Way, part: float, step_s: float
) -> None:
    at_s = way.start_s + part * (way.end_s - way.start_s)
    gone = way.distance(at_s + step_s) - way.distance(at_s)
    assert -1e-6 <= gone <= 200 * step_s + 1e-6
    assert math.dist(way.place(at_s), way.place(at_s + step_s)) <= gone + 1e-6
    assert 0 <= way.stride(at_s) <= 1


def test_who_pauses_stands_with_the_legs_together_and_looks_the_same_way() -> None:
    way = way_through([Stop(0, 0), Stop(-100, 0, pause_s=2), Stop(0, 0)], 0.0, 100.0)
    assert [way.place(at) for at in (1.0, 2.0, 3.0)] == [(-100.0, 0.0)] * 3
    assert [way.stride(at) for at in (0.5, 2.0, 3.5)] == [1.0, 0.0, 1.0]
    assert [way.facing(at) for at in (0.5, 2.0, 3.5)] == [-1, -1, 1]


@given(
    height=st.floats(40, 120),
    phase=st.floats(0, 60),
    stride=st.floats(0, 1),
    facing=st.sampled_from([1, -1]),
)
def test_a_person_stands_on_the_ground_at_full_height(
    height: float, phase: float, stride: float, facing: int
) -> None:
    shapes = figure(LOOK, Pose((200.0, 300.0), height, phase, stride, facing))
    x1, y1, x2, y2 = box_around(shapes)
    assert abs(y2 - 300.0) < 0.035 * height
    assert 0.9 * height < y2 - y1 < 1.06 * height
    assert x1 < 200 < x2
    assert x2 - x1 < 0.8 * height


def test_a_car_turns_round_in_a_mirror_and_stands_on_its_wheels() -> None:
    right = box_around(car((200, 200, 200), CarPose((300.0, 130.0), 1, 0.0)))
    left = box_around(car((200, 200, 200), CarPose((300.0, 130.0), -1, 0.0)))
    assert right == pytest.approx(left)
    assert right[2] - right[0] == pytest.approx(LENGTH)
    assert right[3] == pytest.approx(130.0, abs=0.5)


@given(st.tuples(COORDINATES, COORDINATES), st.tuples(COORDINATES, COORDINATES))
def test_a_capsule_is_convex_and_reaches_its_radius(
    start: tuple[float, float], end: tuple[float, float]
) -> None:
    points = capsule(start, end, 5.0, 5.0).points
    x1, y1, x2, y2 = box_around([capsule(start, end, 5.0, 5.0)])
    assert x1 == pytest.approx(min(start[0], end[0]) - 5, abs=0.3)
    assert y2 == pytest.approx(max(start[1], end[1]) + 5, abs=0.3)
    assert x2 > x1
    assert y1 < y2
    edges = np.roll(points, -1, axis=0) - points
    turns = (
        edges[:, 0] * np.roll(edges, -1, axis=0)[:, 1]
        - edges[:, 1] * (np.roll(edges, -1, axis=0)[:, 0])
    )
    assert (turns >= -1e-6).all()
