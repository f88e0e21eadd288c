"""Cuts, distances and polygons, against exact arithmetic and shapely."""

import math
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from shapely import LineString, Polygon
from shapely import Point as ShapelyPoint

from streams.core.geometry import (
    Point,
    anchor_of,
    cuts,
    distance_to_polyline,
    heading_deg,
    in_polygon,
    iou,
    visible_area,
)

UPRIGHT = ((0.5, 0.2), (0.5, 0.8))
CORNER = ((0.2, 0.5), (0.5, 0.5), (0.5, 0.8))
L_SHAPE = ((0.1, 0.1), (0.9, 0.1), (0.9, 0.4), (0.4, 0.4), (0.4, 0.9), (0.1, 0.9))

coordinate = st.integers(0, 64).map(lambda n: n / 64)
point = st.tuples(coordinate, coordinate)
polyline = st.lists(point, min_size=2, max_size=6).map(tuple)


def test_the_anchor_is_clamped_to_the_picture_and_the_box_is_not() -> None:
    assert anchor_of((-0.3, 0.5, 0.1, 1.4), "bottom") == (0.0, 1.0)
    assert anchor_of((0.25, 0.25, 0.75, 0.5), "centre") == (0.5, 0.375)
    assert visible_area((-0.5, 0.0, 0.5, 0.5)) == 0.25


def test_iou_of_halves() -> None:
    assert iou((0.0, 0.0, 0.5, 0.5), (0.25, 0.0, 0.75, 0.5)) == pytest.approx(1 / 3)
    assert iou((0.0, 0.0, 0.5, 0.5), (0.5, 0.0, 1.0, 0.5)) == 0.0


@pytest.mark.parametrize(
    ("end", "degrees"), [((0.5, 0.4), 0), ((0.6, 0.5), 90), ((0.5, 0.6), 180), ((0.4, 0.5), 270)]
)
def test_headings_run_clockwise_from_up(end: Point, degrees: float) -> None:
    assert heading_deg((0.5, 0.5), end, 16 / 9) == pytest.approx(degrees)


def test_heading_is_true_to_the_picture_and_not_to_the_unit_square() -> None:
    assert heading_deg((0.5, 0.5), (0.6, 0.5 - 0.2), 2.0) == pytest.approx(45)


def test_the_right_hand_side_of_a_line_drawn_downwards_is_on_the_left_of_the_screen() -> None:
    (leftwards,) = cuts(UPRIGHT, (0.6, 0.5), (0.4, 0.5))
    (rightwards,) = cuts(UPRIGHT, (0.4, 0.5), (0.6, 0.5))
    assert (leftwards.forward, rightwards.forward) == (True, False)
    assert leftwards.along == pytest.approx(0.5)


def test_a_step_past_the_end_of_a_finite_line_does_not_cut_it() -> None:
    assert cuts(UPRIGHT, (0.4, 0.1), (0.6, 0.1)) == []
    assert cuts(UPRIGHT, (0.4, 0.81), (0.6, 0.81)) == []


@pytest.mark.parametrize("y", [0.2, 0.8])
def test_a_step_through_the_very_end_is_one_cut_both_ways(y: float) -> None:
    assert [cut.forward for cut in cuts(UPRIGHT, (0.6, y), (0.4, y))] == [True]
    assert [cut.forward for cut in cuts(UPRIGHT, (0.4, y), (0.6, y))] == [False]


def test_a_step_through_a_corner_is_one_cut_and_touching_it_none() -> None:
    assert len(cuts(CORNER, (0.4, 0.6), (0.6, 0.4))) == 1
    assert cuts(CORNER, (0.4, 0.4), (0.6, 0.6)) == []


def test_a_step_along_a_stretch_of_the_line_counts_by_the_sides_it_joins() -> None:
    step = ((0.1, 0.5), (0.9, 0.5))
    zigzag = ((0.3, 0.2), (0.3, 0.5), (0.6, 0.5), (0.6, 0.8))
    bracket = ((0.3, 0.2), (0.3, 0.5), (0.6, 0.5), (0.6, 0.2))
    assert len(cuts(zigzag, *step)) == 1
    assert cuts(bracket, *step) == []
    assert cuts(((0.3, 0.5), (0.6, 0.5)), *step) == []


def test_a_closed_line_is_cut_on_the_way_in_and_on_the_way_out() -> None:
    ring = ((0.3, 0.5), (0.5, 0.3), (0.7, 0.5), (0.5, 0.7), (0.3, 0.5))
    assert len(cuts(ring, (0.1, 0.5), (0.5, 0.5))) == 1
    assert [cut.forward for cut in cuts(ring, (0.1, 0.5), (0.9, 0.5))] == [True, False]


def test_cuts_come_in_the_order_of_the_step() -> None:
    comb = ((0.8, 0.2), (0.8, 0.8), (0.3, 0.8), (0.3, 0.2))
    found = cuts(comb, (0.1, 0.5), (0.9, 0.5))
    assert [cut.along for cut in found] == sorted(cut.along for cut in found)
    assert [cut.forward for cut in found] == [True, False]


def _exact_sides(line: tuple[Point, ...], start: Point, end: Point) -> list[Fraction]:
    (px, py), (qx, qy) = (tuple(map(Fraction, p)) for p in (start, end))
    return [(qx - px) * (Fraction(y) - py) - (qy - py) * (Fraction(x) - px) for x, y in line]


@given(polyline, point, point)
def test_cuts_agree_with_shapely_where_no_corner_is_met(
    line: tuple[Point, ...], start: Point, end: Point
) -> None:
    assume(start != end and len(set(line)) > 1 and all(_exact_sides(line, start, end)))
    shape = LineString(line)
    assume(shape.distance(ShapelyPoint(start)) > 1e-6 < shape.distance(ShapelyPoint(end)))
    expected = sum(LineString(pair).intersects(LineString((start, end))) for pair in pairwise(line))
    assert len(cuts(line, start, end)) == expected


@given(polyline, point, point)
def test_walking_back_or_drawing_the_line_backwards_turns_every_direction(
    line: tuple[Point, ...], start: Point, end: Point
) -> None:
    assume(len(set(line)) > 1)
    assume(min(distance_to_polyline(line, p, 1.0) for p in (start, end)) > 1e-6)
    there = sorted(cut.forward for cut in cuts(line, start, end))
    turned = sorted(not forward for forward in there)
    assert sorted(cut.forward for cut in cuts(line, end, start)) == turned
    assert sorted(cut.forward for cut in cuts(line[::-1], start, end)) == turned


@given(polyline, point, point)
def test_a_mirrored_scene_has_the_same_cuts_with_directions_turned(
    line: tuple[Point, ...], start: Point, end: Point
) -> None:
    assume(min(distance_to_polyline(line, p, 1.0) for p in (start, end)) > 1e-6)
    mirrored = cuts(
        tuple((1 - x, y) for x, y in line), (1 - start[0], start[1]), (1 - end[0], end[1])
    )
    there = sorted(cut.forward for cut in cuts(line, start, end))
    assert sorted(not cut.forward for cut in mirrored) == there


@given(polyline, point, st.sampled_from([1.0, 4 / 3, 16 / 9]))
def test_distances_are_in_frame_heights(
    line: tuple[Point, ...], place: Point, aspect: float
) -> None:
    assume(len(set(line)) > 1)
    shape = LineString([(x * aspect, y) for x, y in line])
    expected = shape.distance(ShapelyPoint(place[0] * aspect, place[1]))
    assert math.isclose(distance_to_polyline(line, place, aspect), expected, abs_tol=1e-12)


@given(point, st.integers(0, 5), st.booleans())
def test_a_concave_polygon_contains_its_edge_from_any_first_corner(
    place: Point, first: int, backwards: bool
) -> None:
    corners = L_SHAPE[first:] + L_SHAPE[:first]
    expected = Polygon(L_SHAPE).buffer(1e-9).intersects(ShapelyPoint(place))
    assert in_polygon(corners[::-1] if backwards else corners, place) == expected


def test_the_edge_is_inside_however_it_was_rounded() -> None:
    zone = ((0.1, 0.1), (0.7, 0.1), (0.7, 0.3), (0.1, 0.3))
    assert in_polygon(zone, (0.1 + 0.2 + 0.4, 0.2))
    assert in_polygon(zone, (0.4, 0.1 + 0.2))
    assert in_polygon(zone, (0.7, 0.3))
    assert not in_polygon(zone, (0.7 + 1e-6, 0.2))
