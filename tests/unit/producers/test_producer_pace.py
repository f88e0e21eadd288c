from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from producers.backoff import FIRST_S, MOST_S, delay_s
from producers.pace import MOST_WAIT_MS, RealPace
from schemas.errors import Rejected, Retryable


def test_a_picture_is_waited_for_until_its_own_time() -> None:
    pace = RealPace()
    assert [pace.wait_ms(at, now) for at, now in ((1000, 50), (1200, 60), (1300, 345))] == [
        0,
        190,
        5,
    ]


def test_a_short_delay_is_made_up_for_and_a_long_one_is_not() -> None:
    pace = RealPace()
    pace.wait_ms(0, 0)
    assert pace.wait_ms(100, 1000) == 0
    assert pace.wait_ms(1100, 1050) == 50
    assert pace.wait_ms(1200, 9000) == 0
    assert pace.wait_ms(1300, 9000) == 100


def test_a_jump_of_hours_in_a_file_is_not_waited_for() -> None:
    pace = RealPace()
    pace.wait_ms(0, 0)
    assert pace.wait_ms(7_200_000, 10) == 0
    assert pace.wait_ms(7_200_080, 20) == 70


@given(st.lists(st.tuples(st.integers(-(10**9), 10**9), st.integers(0, 10**5)), max_size=30))
def test_no_wait_is_negative_or_longer_than_a_minute(steps: list[tuple[int, int]]) -> None:
    pace, now = RealPace(), 0
    for captured_at, passed in steps:
        now += passed
        assert 0 <= pace.wait_ms(captured_at, now) <= MOST_WAIT_MS


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_retries_come_at_growing_bounded_intervals(failures: int, chance: float) -> None:
    passing = delay_s(failures, Retryable("gone"), chance)
    assert 0.75 * FIRST_S <= passing <= 1.25 * MOST_S
    assert passing <= delay_s(failures + 1, None, chance)


def test_a_refusal_is_not_hammered_at() -> None:
    assert delay_s(1, Rejected("wrong password"), 0.5) == MOST_S
