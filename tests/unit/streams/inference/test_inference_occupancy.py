"""Time with something to do, and with enough of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.inference.occupancy import Occupancy, Work, step


def test_time_counts_while_there_is_work_and_as_full_while_there_is_enough() -> None:
    state = Occupancy(enough=2, since_s=10.0)
    for more, now_s in ((1, 11.0), (2, 12.0), (-1, 15.0), (-1, 16.0), (-1, 18.0), (0, 30.0)):
        state = step(state, more, now_s)
    assert state.work == Work(busy_s=7.0, full_s=4.0)
    assert state.work - Work(3.0, 3.0) + Work(3.0, 3.0) == state.work


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 100)), max_size=30))
def test_work_is_never_more_than_the_time_that_passed(steps: list[tuple[int, int]]) -> None:
    state, now_s = Occupancy(enough=2), 0.0
    for under_way, passed_s in steps:
        before = state.work
        now_s += passed_s
        state = step(state, under_way - state.under_way, now_s)
        more = state.work - before
        assert 0 <= more.full_s <= more.busy_s <= passed_s
    assert state.work.busy_s <= now_s
