"""Requests grow with what waits, within every limit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.inference.batching import BatchConfig, cut, size_of

CONFIG = BatchConfig(rounds=2, deadline_s=0.25)


@given(st.integers(0, 5000), st.integers(1, 64), st.integers(1, 64), st.floats(0, 20))
def test_a_request_keeps_within_its_limits(
    waiting: int, under_way: int, largest: int, picture_s: float
) -> None:
    size = size_of(waiting, under_way, largest, picture_s, CONFIG)
    assert 1 <= size <= largest
    if size > 1:
        assert size * picture_s <= CONFIG.deadline_s
        assert -(-waiting // size) >= CONFIG.rounds * under_way


def test_pictures_of_unknown_cost_go_alone() -> None:
    assert size_of(1000, 2, 16, 0.0, CONFIG) == 1


@given(st.lists(st.integers(), max_size=60), st.integers(1, 20))
def test_cutting_loses_nothing(items: list[int], size: int) -> None:
    runs = cut(items, size)
    assert [one for run in runs for one in run] == items
    assert all(len(run) == size for run in runs[:-1])
