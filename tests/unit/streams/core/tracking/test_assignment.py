"""Exact assignment, against all permutations."""

from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.tracking.assignment import assign

UNMATCHED = 8.0
graphs = st.dictionaries(
    st.tuples(st.integers(0, 4), st.integers(0, 4)), st.integers(0, 11).map(float), max_size=14
)


def _total(costs: dict[tuple[int, int], float], pairs: list[tuple[int, int]]) -> float:
    rows = {row for row, _ in costs}
    return sum(costs[pair] for pair in pairs) + UNMATCHED * (len(rows) - len(pairs))


def _least(costs: dict[tuple[int, int], float]) -> float:
    rows = sorted({row for row, _ in costs})
    slots = sorted({column for _, column in costs}) + [-1] * len(rows)
    return min(
        sum(
            min(costs.get((row, column), UNMATCHED), UNMATCHED)
            for row, column in zip(rows, chosen, strict=True)
        )
        for chosen in permutations(slots, len(rows))
    )


@given(st.dictionaries(st.tuples(st.integers(0, 2), st.integers(0, 2)), st.floats(0, 12)))
def test_no_other_assignment_costs_less(costs: dict[tuple[int, int], float]) -> None:
    expected = _least(costs) if costs else 0.0
    assert _total(costs, assign(costs, UNMATCHED)) == pytest.approx(expected)


@given(graphs)
def test_each_row_and_column_is_used_once_and_only_where_allowed(
    costs: dict[tuple[int, int], float],
) -> None:
    pairs = assign(costs, UNMATCHED)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    assert all(costs[pair] < UNMATCHED for pair in pairs)


@given(graphs, st.randoms())
def test_the_order_in_which_pairs_are_named_does_not_matter(
    costs: dict[tuple[int, int], float], random: Random
) -> None:
    shuffled = list(costs.items())
    random.shuffle(shuffled)
    assert assign(dict(shuffled), UNMATCHED) == assign(costs, UNMATCHED)


def test_the_nearest_pair_gives_way_where_the_whole_is_cheaper() -> None:
    costs = {(0, 0): 1.0, (0, 1): 2.0, (1, 0): 1.5, (1, 1): 9.0}
    assert assign(costs, UNMATCHED) == [(0, 1), (1, 0)]
