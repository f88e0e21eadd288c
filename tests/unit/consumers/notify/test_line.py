from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.notify.line import (
    Asked,
    Failed,
    Go,
    Hold,
    Line,
    LineConfig,
    Succeeded,
    Wait,
    is_open,
    retry_at,
    step,
)

CONFIG = LineConfig(failures_to_open=3, open_first_s=10, open_last_s=40)


def after(*inputs: Asked | Failed | Succeeded, config: LineConfig = CONFIG) -> Line:
    line = Line()
    for one in inputs:
        line, _ = step(line, one, config)
    return line


def test_a_circuit_opens_after_failures_in_a_row_and_one_message_tries_it() -> None:
    line = after(Failed(0), Failed(0), Succeeded(0), Failed(0), Failed(0))
    assert step(line, Asked(0), CONFIG)[1] == Go()
    line, _ = step(line, Failed(1000), CONFIG)
    assert is_open(line)
    assert step(line, Asked(10_999), CONFIG)[1] == Wait(11_000)
    assert step(line, Asked(11_000), CONFIG)[1] == Go()
    assert not is_open(step(line, Succeeded(11_000), CONFIG)[0])


def test_it_stays_open_longer_each_time_up_to_a_limit() -> None:
    line = after(Failed(0), Failed(0), Failed(0))
    pauses = []
    for _ in range(4):
        line, _ = step(line, Failed(0), CONFIG)
        pauses.append(line.open_until)
    assert pauses == [20_000, 40_000, 40_000, 40_000]
    assert step(after(Succeeded(0)), Failed(0), CONFIG)[0].open_until is None


@given(st.lists(st.integers(0, 2000), max_size=60), st.integers(1, 5), st.integers(1, 3))
def test_no_window_holds_more_than_its_number(steps: list[int], most: int, within_s: int) -> None:
    config = LineConfig(most=most, within_s=within_s)
    line, at = Line(), 1_700_000_000_000
    sent: list[int] = []
    for ahead in steps:
        at += ahead
        line, answer = step(line, Asked(at), config)
        match answer:
            case Go():
                sent.append(at)
            case Hold(until):
                assert at < until <= at + within_s * 1000
                assert step(line, Asked(until), config)[1] == Go()
            case _:
                pytest.fail("nothing failed, so no circuit is open")
    # A window may begin anywhere: two neighbours together hold twice the number at most.
    for start in sent:
        assert len([one for one in sent if start <= one < start + within_s * 1000]) <= 2 * most


def test_a_clock_that_was_set_back_holds_nothing_back_for_ever() -> None:
    config = LineConfig(most=1, within_s=60)
    line, _ = step(Line(), Asked(1_000_000), config)
    assert step(line, Asked(500_000), config)[1] == Go()


@given(st.integers(1, 1000), st.floats(0, 1), st.floats(0, 10_000))
def test_a_retry_is_later_bounded_and_as_late_as_was_asked(
    attempt: int, jitter: float, after_s: float
) -> None:
    at = retry_at(0, attempt, jitter, after_s)
    assert 1000 <= at <= 3_600_000
    assert at >= min(after_s, 3600) * 1000 - 1
