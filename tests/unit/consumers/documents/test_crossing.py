from __future__ import annotations

from itertools import pairwise

import pytest
import shapely
from hypothesis import assume, example, given
from hypothesis import strategies as st

from consumers.documents.crossing import Crossing, Path, Stay, crossings, stays
from streams.core.geometry import cuts, distance_to_polyline

# A grid's places apart from each other, so that no case hangs on the last bit of a float.
places = st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda p: (p[0] / 20, p[1] / 20))
odd_places = st.tuples(st.floats(0, 1), st.floats(0, 1))
SQUARE = shapely.box(0.4, 0.4, 0.6, 0.6)


def walk(*points: tuple[float, float], every_s: float = 10.0) -> Path:
    return Path.from_triples(
        [number for n, (x, y) in enumerate(points) for number in (n * every_s, x, y)]
    )


def rounded(found: list[Stay]) -> list[tuple[float, float]]:
    return [(round(one.from_s, 6), round(one.until_s, 6)) for one in found]


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([(0.0, 0.5), (1.0, 0.5)], [(4.0, 6.0)]),
        ([(0.5, 0.5), (1.0, 0.5)], [(0.0, 2.0)]),
        ([(0.0, 0.5), (1.0, 0.5), (0.0, 0.5)], [(4.0, 6.0), (14.0, 16.0)]),
        ([(0.5, 0.5), (0.5, 0.5), (0.5, 0.5)], [(0.0, 20.0)]),
        ([(0.0, 0.0), (0.3, 0.3)], []),
        ([(0.0, 0.4), (1.0, 0.4)], [(4.0, 6.0)]),
        ([(0.2, 0.4), (0.4, 0.2)], []),
        ([(0.5, 0.5)], [(0.0, 0.0)]),
        ([(0.1, 0.1)], []),
        ([], []),
        ([(0.0, 0.5), (0.5, 0.5), (0.55, 0.5), (1.0, 0.5)], [(8.0, 21.111111)]),
    ],
)
def test_stays_in_a_square(
    points: list[tuple[float, float]], expected: list[tuple[float, float]]
) -> None:
    assert rounded(stays(walk(*points), SQUARE)) == expected


def test_a_touch_is_a_moment() -> None:
    square = shapely.box(0.25, 0.25, 0.75, 0.75)
    assert rounded(stays(walk((0.0, 0.5), (0.5, 0.0)), square)) == [(5.0, 5.0)]


def test_a_concave_polygon_is_left_and_entered_again() -> None:
    comb = shapely.Polygon(
        [(0, 0), (1, 0), (1, 1), (0.6, 1), (0.6, 0.2), (0.4, 0.2), (0.4, 1), (0, 1)]
    )
    assert rounded(stays(walk((0.0, 0.5), (1.0, 0.5)), comb)) == [(0.0, 4.0), (6.0, 10.0)]


@given(st.lists(odd_places, min_size=1, max_size=12))
def test_a_stay_is_where_the_path_is_inside(points: list[tuple[float, float]]) -> None:
    path = walk(*points)
    found = stays(path, SQUARE)
    assert all(one.from_s <= one.until_s for one in found)
    assert all(one.until_s < two.from_s for one, two in pairwise(found))
    for at, (x, y) in zip(path.times, path.points, strict=True):
        inside = any(one.from_s - 1e-9 <= at <= one.until_s + 1e-9 for one in found)
        distance = SQUARE.boundary.distance(shapely.Point(x, y))
        assert inside == bool(shapely.intersects_xy(SQUARE, x, y)) or distance < 1e-9


def test_directions_are_those_of_the_screen() -> None:
    line = [(0.0, 0.5), (1.0, 0.5)]
    assert crossings(walk((0.5, 0.0), (0.5, 1.0)), line) == [Crossing(5.0, "forward")]
    assert crossings(walk((0.5, 1.0), (0.5, 0.0)), line) == [Crossing(5.0, "backward")]
    there_and_back = walk((0.5, 0.0), (0.5, 1.0), (0.5, 0.0))
    assert [one.direction for one in crossings(there_and_back, line)] == ["forward", "backward"]


def test_what_passes_the_end_of_a_line_does_not_cross_it() -> None:
    line = [(0.4, 0.5), (0.6, 0.5)]
    assert crossings(walk((0.3, 0.0), (0.3, 1.0)), line) == []
    assert crossings(walk((0.5, 0.0), (0.5, 0.4)), line) == []


def test_a_point_on_the_line_counts_once() -> None:
    line = [(0.0, 0.5), (1.0, 0.5)]
    (one,) = crossings(walk((0.5, 0.0), (0.5, 0.5), (0.5, 1.0)), line)
    assert one.direction == "forward" and one.at_s == 10.0
    assert crossings(walk((0.5, 0.0), (0.5, 0.5), (0.5, 0.0)), line) == []


def test_an_even_number_of_cuts_in_a_step_is_none() -> None:
    wedge = [(0.3, 0.2), (0.5, 0.8), (0.7, 0.2)]
    assert crossings(walk((0.0, 0.5), (1.0, 0.5)), wedge) == []
    assert len(crossings(walk((0.0, 0.5), (0.5, 0.5), (1.0, 0.5)), wedge)) == 2


@given(st.lists(odd_places, min_size=2, max_size=5, unique=True), odd_places, odd_places)
def test_a_step_crosses_as_the_sensor_sees_it(
    line: list[tuple[float, float]], start: tuple[float, float], end: tuple[float, float]
) -> None:
    far = 1e-4
    assume(distance_to_polyline(line, start, 1.0) > far)
    assume(distance_to_polyline(line, end, 1.0) > far)
    step = shapely.LineString([start, end])
    # Corners beside the step: through one, the two may count the touch apart.
    assume(all(step.distance(shapely.Point(corner)) > far for corner in line))
    seen = cuts(line, start, end)
    found = crossings(walk(start, end), line)
    assert len(found) == len(seen) % 2
    if found:
        assert (found[0].direction == "forward") == seen[-1].forward


# The line ends on the step, but for the last bit of a float.
@example([(0.1, 0.8), (0.4, 0.5)], [(0.0, 0.0), (0.35, 0.55)])
@given(st.lists(places, min_size=2, max_size=8), st.lists(places, min_size=2, max_size=4))
def test_a_way_back_crosses_the_other_way(
    points: list[tuple[float, float]], line: list[tuple[float, float]]
) -> None:
    assume(all(one != two for one, two in pairwise(line)))
    there, back = crossings(walk(*points), line), crossings(walk(*reversed(points)), line)
    assert len(there) == len(back)
