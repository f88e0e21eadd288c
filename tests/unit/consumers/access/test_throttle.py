from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from consumers.access.throttle import Allowance, Standing, charge, left, refund

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ALLOWANCES = st.builds(
    Allowance,
    free=st.integers(1, 20),
    leak_s=st.floats(1, 3600),
    first_s=st.floats(0.1, 60),
    longest_s=st.floats(60, 3600),
)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@given(ALLOWANCES)
def test_so_many_tries_are_free_and_the_next_is_delayed(allowance: Allowance) -> None:
    standing: Standing | None = None
    for _ in range(allowance.free):
        standing, wait_s = charge(standing, NOW, allowance)
        assert wait_s == 0
    standing, wait_s = charge(standing, NOW, allowance)
    assert wait_s == 0
    _, wait_s = charge(standing, NOW, allowance)
    assert 0 < wait_s <= allowance.longest_s


@given(ALLOWANCES, st.lists(st.floats(0, 5000), max_size=40))
def test_nobody_waits_longer_than_the_longest_delay(
    allowance: Allowance, gaps: list[float]
) -> None:
    standing: Standing | None = None
    at_s = 0.0
    for gap in gaps:
        at_s += gap
        standing, wait_s = charge(standing, after(at_s), allowance)
        assert wait_s <= allowance.longest_s
        # Whoever waits as long as was said is looked at.
        _, again_s = charge(standing, standing.free_at, allowance)
        assert again_s == 0


@given(ALLOWANCES, st.integers(1, 60))
def test_delays_grow(allowance: Allowance, tries: int) -> None:
    standing: Standing | None = None
    delays = []
    now = NOW
    for _ in range(allowance.free + tries):
        standing, _ = charge(standing, now, Allowance(free=0, leak_s=1e9, first_s=1, longest_s=900))
        delays.append((standing.free_at - now).total_seconds())
        now = standing.free_at
    assert delays == sorted(delays) and delays[0] == 1 and delays[-1] <= 900


def test_a_refused_try_is_not_counted() -> None:
    allowance = Allowance(free=1, leak_s=600, first_s=10, longest_s=100)
    standing, _ = charge(None, NOW, allowance)
    standing, _ = charge(standing, NOW, allowance)
    same, wait_s = charge(standing, after(1), allowance)
    assert same == standing and wait_s == 9


@given(ALLOWANCES, st.integers(1, 30))
def test_what_was_right_counts_no_longer(allowance: Allowance, tries: int) -> None:
    standing: Standing | None = None
    for _ in range(tries):
        charged, wait_s = charge(standing, NOW, allowance)
        assert wait_s == 0
        standing = refund(charged, NOW, allowance)
    assert left(standing, NOW, allowance) == 0


def test_a_counting_allowance_delays_nobody() -> None:
    allowance = Allowance(free=2, leak_s=600)
    standing: Standing | None = None
    for _ in range(50):
        standing, wait_s = charge(standing, NOW, allowance)
        assert wait_s == 0
    assert standing is not None and standing.charges == 50


def test_tries_leak_away() -> None:
    allowance = Allowance(free=3, leak_s=10, first_s=1, longest_s=1)
    standing, _ = charge(None, NOW, allowance)
    standing, _ = charge(standing, NOW, allowance)
    assert left(standing, after(10), allowance) == 1
    assert left(standing, after(1000), allowance) == 0
