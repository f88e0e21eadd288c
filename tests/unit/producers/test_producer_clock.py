from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from producers import clock

EPOCH = 1_700_000_000_000


def run(times: list[tuple[int, int]], *, live: bool) -> list[clock.EpochClock]:
    """Step through (presentation time, monotonic time) pairs."""
    (pts, monotonic), *rest = times
    state = clock.begin(EPOCH, Fraction(pts), monotonic if live else None)
    states = [state]
    for pts, monotonic in rest:
        state = clock.step(state, Fraction(pts), monotonic)
        states.append(state)
    return states


def test_a_file_goes_by_its_own_times_however_fast_it_is_read() -> None:
    states = run([(40, 0), (80, 0), (7_200_040, 1)], live=False)
    assert [one.captured_at - EPOCH for one in states] == [0, 40, 7_200_000]


def test_exact_times_are_rounded_only_once() -> None:
    state = clock.begin(EPOCH, Fraction(0))
    third = Fraction(1000 * 1001, 30_000)
    rounded = [clock.step(state, n * third, 0).last_ms for n in (1, 2, 3, 3000)]
    assert rounded == [33, 67, 100, 100_100]


def test_small_jitter_of_a_live_stream_is_left_alone() -> None:
    states = run([(0, 0), (100, 1900), (200, 150), (300, 350)], live=True)
    assert [one.last_ms for one in states] == [0, 100, 200, 300]
    assert states[-1].corrections == 0


def test_a_jump_forward_is_set_to_the_monotonic_clock() -> None:
    states = run([(0, 0), (100, 100), (7_200_200, 200), (7_200_300, 300)], live=True)
    assert [one.last_ms for one in states] == [0, 100, 200, 300]
    assert states[-1].corrections == 1


def test_a_jump_backward_is_too() -> None:
    states = run([(9_000_000, 0), (9_000_100, 100), (50, 200), (150, 300)], live=True)
    assert [one.last_ms for one in states] == [0, 100, 200, 300]


def test_drift_is_corrected_once_it_exceeds_two_seconds() -> None:
    # The camera's clock runs 1 % slow.
    states = run([(990 * n, 1000 * n) for n in range(300)], live=True)
    behind = [1000 * n - one.last_ms for n, one in enumerate(states)]
    assert max(behind) == 2000
    assert [one.corrections for one in states][-1] == 1
    assert behind[201] == 0


@given(
    st.lists(st.tuples(st.integers(-(10**8), 10**8), st.integers(0, 5000)), min_size=1, max_size=60)
)
def test_a_live_camera_never_goes_back_and_stays_near_the_monotonic_clock(
    steps: list[tuple[int, int]],
) -> None:
    monotonic, times = 0, []
    for pts, passed in steps:
        monotonic += passed
        times.append((pts, monotonic))
    states = run(times, live=True)
    captured = [one.captured_at for one in states]
    assert captured == sorted(set(captured))
    first = times[0][1]
    for (_, at), one in zip(times, states, strict=True):
        # Creeping by 1 ms a picture may add that many.
        assert abs(one.last_ms - (at - first)) <= clock.TOLERANCE_MS + len(states)


@given(st.integers(0, 10**13), st.one_of(st.none(), st.integers(0, 10**13)))
def test_an_epoch_begins_above_everything_written(wanted: int, written: int | None) -> None:
    at = clock.anchor(wanted, written)
    assert at >= wanted
    assert written is None or at > written
    assert at in (wanted, (written or 0) + 1)
