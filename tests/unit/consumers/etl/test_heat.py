from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.etl.heat import CELLS, COLUMNS, ROWS, Steps, clipped, time_in_cells

PLACES = st.floats(0.0, 1.0)
STEPS = st.tuples(
    st.integers(0, 3), st.integers(0, 10**9), st.integers(0, 10**8), PLACES, PLACES, PLACES, PLACES
)


def steps(*rows: tuple[int, int, int, float, float, float, float]) -> Steps:
    """Steps of (group, start, duration, x, y, x, y)."""
    table = list(zip(*rows, strict=True)) if rows else [()] * 7
    group, start, lasting = (np.array(column, np.int64) for column in table[:3])
    x0, y0, x1, y1 = (np.array(column, np.float64) for column in table[3:])
    return Steps(group, start, start + lasting, x0, y0, x1, y1)


def test_a_walk_across_the_picture_is_as_long_in_each_column() -> None:
    times = time_in_cells(steps((0, 0, 32_000_000, 0.0, 0.5, 1.0, 0.5)), 1)
    row = times.reshape(ROWS, COLUMNS)[ROWS // 2]
    assert row.tolist() == [1_000_000] * COLUMNS


def test_who_stands_is_in_one_cell_also_at_the_border() -> None:
    times = time_in_cells(steps((1, 5, 700, 1.0, 1.0, 1.0, 1.0)), 2)
    assert times[0].sum() == 0
    assert times[1].nonzero()[0].tolist() == [CELLS - 1]
    assert times[1].sum() == 700


@given(st.lists(STEPS, min_size=1, max_size=30))
def test_no_time_is_lost_and_order_changes_nothing(
    rows: list[tuple[int, int, int, float, float, float, float]],
) -> None:
    times = time_in_cells(steps(*rows), 4)
    assert times.sum() == sum(row[2] for row in rows)
    assert (times >= 0).all()
    shuffled = sorted(rows, key=repr, reverse=True)
    assert (time_in_cells(steps(*shuffled), 4) == times).all()
    one_by_one = np.sum([time_in_cells(steps(row), 4) for row in rows], axis=0)
    assert (one_by_one == times).all()


@given(STEPS, st.lists(st.integers(0, 11 * 10**8), max_size=5))
def test_the_parts_of_a_span_hold_all_its_time(
    row: tuple[int, int, int, float, float, float, float], cuts: list[int]
) -> None:
    whole = steps(row)
    borders = [0, *sorted(set(cuts) - {0}), 12 * 10**8]
    parts = [
        time_in_cells(clipped(whole, np.array([begin]), np.array([end])), 4).sum()
        for begin, end in itertools.pairwise(borders)
    ]
    assert sum(parts) == row[2]


def test_nothing_is_no_time() -> None:
    assert time_in_cells(steps(), 3).tolist() == [[0] * CELLS] * 3


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_it_agrees_with_many_looks_along_the_way(
    x0: float, y0: float, x1: float, y1: float
) -> None:
    looks = 20_000
    share = (np.arange(looks) + 0.5) / looks
    column = np.floor((x0 + share * (x1 - x0)) * COLUMNS).astype(int)
    row = np.floor((y0 + share * (y1 - y0)) * ROWS).astype(int)
    seen = np.bincount(row * COLUMNS + column, minlength=CELLS) / looks
    times = time_in_cells(steps((0, 0, 10**9, x0, y0, x1, y1)), 1)[0] / 10**9
    assert times == pytest.approx(seen, abs=2e-4)
