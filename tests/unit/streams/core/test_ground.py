"""The ground plane."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.ground import Ground

IMAGE = [(0.45, 0.4), (0.55, 0.4), (0.95, 0.95), (0.05, 0.95)]
METRES = [(0.0, 20.0), (8.0, 20.0), (8.0, 0.0), (0.0, 0.0)]
ROAD = Ground.compile(IMAGE, METRES)
"""A road that runs away from the camera."""


def test_the_four_points_are_where_they_were_said_to_be() -> None:
    for image, metres in zip(IMAGE, METRES, strict=True):
        assert ROAD.at(image) == pytest.approx(metres, abs=1e-9)


def test_above_the_horizon_there_is_no_ground() -> None:
    assert ROAD.at((0.5, 0.3)) is None


@given(st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_lines_stay_lines(first: float, second: float) -> None:
    left, right = ROAD.at((0.1, 0.9)), ROAD.at((0.8, 0.5))
    part = (first + second) / 2
    between = ROAD.at((0.1 + 0.7 * part, 0.9 - 0.4 * part))
    assert left and right and between
    cross = (right[0] - left[0]) * (between[1] - left[1]) - (right[1] - left[1]) * (
        between[0] - left[0]
    )
    assert cross == pytest.approx(0, abs=1e-6)
