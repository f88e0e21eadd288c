from __future__ import annotations

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.sampler import Sampler, round_ms

rates = st.fractions(min_value=Fraction(1, 1000), max_value=1000, max_denominator=1001)
rising_times = st.lists(st.integers(1, 5000), max_size=200).map(
    lambda steps: [0, *(sum(steps[: n + 1]) for n in range(len(steps)))]
)


@given(rates, rising_times)
def test_a_picture_is_taken_exactly_when_its_slot_exceeds_the_last_taken(
    fps: Fraction, times: list[int]
) -> None:
    sampler = Sampler(fps)
    last: int | None = None
    for ms in times:
        slot = floor(Fraction(ms) * fps / 1000)
        expected = last is None or slot > last
        assert sampler.takes(ms) is expected
        last = slot if expected else last


@given(rising_times)
def test_native_takes_every_picture(times: list[int]) -> None:
    sampler = Sampler(None)
    assert all(sampler.takes(ms) for ms in times)


@given(st.one_of(st.none(), rates), st.lists(st.integers(0, 10_000), min_size=1))
def test_times_that_do_not_rise_are_never_taken(fps: Fraction | None, times: list[int]) -> None:
    sampler = Sampler(fps)
    taken = [ms for ms in times if sampler.takes(ms)]
    assert taken == sorted(set(taken))


def test_the_lost_pictures_of_a_gap_are_not_caught_up_with() -> None:
    sampler = Sampler(Fraction(5))
    assert [ms for ms in (0, 100, 200, 1150, 1190, 1210, 1399, 1400) if sampler.takes(ms)] == [
        0,
        200,
        1150,
        1210,
        1400,
    ]


def test_a_rate_that_no_float_holds_is_exact_after_years() -> None:
    fps, year_ms = Fraction("29.97"), 365 * 86_400_000
    sampler = Sampler(fps)
    boundary = next(ms for ms in range(year_ms, year_ms + 100) if ms * fps % 1000 < fps)
    assert sampler.takes(boundary - 1)
    assert sampler.takes(boundary)
    assert not sampler.takes(boundary + 1)


def test_rounding_is_to_the_nearest_with_ties_to_even() -> None:
    assert [round_ms(Fraction(n, 2)) for n in (1, 3, 5, -1)] == [0, 2, 2, 0]
    assert round_ms(Fraction(200_000, 3003)) == 67


def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        Sampler(Fraction(0))
