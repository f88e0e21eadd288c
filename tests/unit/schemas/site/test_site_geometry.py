from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.site.geometry import line_fault, polygon_fault, quadrilateral_fault

TRIANGLE = [(0.0, 0.0), (1.0, 0.0), (0.5, 1.0)]


@pytest.mark.parametrize(
    ("points", "said"),
    [
        (TRIANGLE, None),
        ([(0, 0), (1, 0), (1, 1), (0.5, 0.1), (0, 1)], None),  # concave
        ([(0, 0), (0.5, 0), (1, 0), (1, 1)], None),  # a corner of 180 degrees
        ([(0, 0), (1, 1), (1, 0), (0, 1)], "crosses itself"),
        ([(0, 0), (1, 0), (1, 1), (0.5, 0), (0, 1)], "crosses itself"),  # touches an edge
        ([(0, 0), (1, 0), (0.5, 0.5), (1, 1), (0, 1), (0.5, 0.5)], "crosses itself"),
        ([(0, 0), (0.5, 0.5), (1, 1)], "no area"),
        ([(0.1, 0.1), (0.2, 0.2), (0.3, 0.3)], "no area"),  # in floats, not on one line
        ([(0, 0), (1, 0), (0.5, 0), (0.5, 1)], "turns back"),
        ([(0, 0), (0, 0), (1, 0), (1, 1)], "repeats a point: [0] and [1]"),
        ([*TRIANGLE, TRIANGLE[0]], "closes by itself"),
    ],
)
def test_polygon(points: list[tuple[float, float]], said: str | None) -> None:
    found = polygon_fault(points)
    assert (found is None) if said is None else (found is not None and said in found)


def test_line() -> None:
    assert line_fault([(0.1, 0.1), (0.1, 0.1)]) is not None
    assert line_fault([(0.1, 0.1), (0.1, 0.2), (0.1, 0.1)]) is None


def test_quadrilateral() -> None:
    assert quadrilateral_fault([(0, 0), (1, 0), (1, 1), (0, 1)]) is None
    found = quadrilateral_fault([(0, 0), (0.1, 0.1), (1, 0), (0.3, 0.3)])
    assert found == "three of its points lie on one line: [0], [1], [3]"


@given(st.lists(st.floats(0.05, 1), min_size=4, max_size=12), st.integers(0, 11), st.booleans())
def test_star_shapes_are_simple_and_swapped_ones_are_not(
    radii: list[float], start: int, backwards: bool
) -> None:
    count = len(radii)
    star = [
        (r * math.cos(2 * math.pi * i / count), r * math.sin(2 * math.pi * i / count))
        for i, r in enumerate(radii)
    ]
    turned = star[start % count :] + star[: start % count]
    points = turned[::-1] if backwards else turned
    assert polygon_fault(points) is None


@given(st.integers(4, 12), st.data())
def test_two_corners_of_a_convex_polygon_swapped_make_it_cross(
    count: int, data: st.DataObject
) -> None:
    points = [
        (math.cos(2 * math.pi * i / count), math.sin(2 * math.pi * i / count)) for i in range(count)
    ]
    i = data.draw(st.integers(0, count - 2))
    points[i], points[i + 1] = points[i + 1], points[i]
    assert "crosses itself" in (polygon_fault(points) or "")
