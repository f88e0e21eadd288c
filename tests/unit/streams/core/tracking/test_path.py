"""Simplified paths stay where the object was, when it was there."""

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from streams.core.tracking.path import FINEST, Place, shorten

share = st.floats(0, 1)


@st.composite
def paths(draw: st.DrawFn) -> list[Place]:
    points = draw(st.lists(st.tuples(st.integers(1, 2000), share, share), min_size=2, max_size=40))
    at, path = 0, []
    for pause, x, y in points:
        at += pause
        path.append((at, x, y))
    return path


def _place(path: list[Place], at: int) -> tuple[float, float]:
    for (start, x, y), (end, end_x, end_y) in pairwise(path):
        if start <= at <= end:
            part = (at - start) / (end - start)
            return x + (end_x - x) * part, y + (end_y - y) * part
    raise AssertionError("outside the path")


@given(paths())
def test_where_few_points_suffice_no_place_is_farther_off_than_the_finest_step(
    path: list[Place],
) -> None:
    short = shorten(path, 256)
    assert all(math.dist(_place(short, at), (x, y)) <= FINEST + 1e-12 for at, x, y in path)


@given(paths(), st.integers(2, 6))
def test_never_more_points_than_asked_for_and_always_both_ends(
    path: list[Place], most: int
) -> None:
    short = shorten(path, most)
    assert len(short) <= most
    assert (short[0], short[-1]) == (path[0], path[-1])
    assert set(short) <= set(path)


def test_a_wait_survives_although_it_bends_nothing() -> None:
    walk = [(at, at / 10_000, 0.5) for at in range(0, 5000, 100)]
    wait = [(at, 0.5, 0.5) for at in range(5000, 15_000, 100)]
    rest = [(at, 0.5 + (at - 15_000) / 10_000, 0.5) for at in range(15_000, 20_000, 100)]
    short = shorten(walk + wait + rest, 256)
    assert [at for at, _, _ in short] == [0, 5000, 15_000, 19_900]
