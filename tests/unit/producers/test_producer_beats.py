from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from producers import beats
from producers.beats import CameraTime

HOST = 1_700_000_000_000
OLD = 946_684_800_000


def at(time: CameraTime, monotonic_ms: int, host_at: int = HOST) -> tuple[int, str] | None:
    _, pulse = beats.beat(time, monotonic_ms, host_at)
    return None if pulse is None else (pulse.beat_at, pulse.state)


def test_before_the_first_epoch_a_live_camera_goes_by_the_host() -> None:
    assert at(CameraTime(live=True), 0) == (HOST, "offline")
    assert at(CameraTime(live=True, written_at=HOST + 5), 0) == (HOST + 5, "offline")


def test_before_the_first_epoch_a_file_has_no_time() -> None:
    assert at(CameraTime(live=False), 0) is None


def test_until_its_first_frame_an_epoch_promises_nothing_at_or_above_its_anchor() -> None:
    time = beats.opened(CameraTime(live=False), OLD, 100)
    assert at(time, 1000) == (OLD - 1, "online")
    assert not beats.is_late(beats.beat(time, 1000, HOST)[0], OLD)


def test_online_the_last_sampled_time_is_told_sent_or_held() -> None:
    time = beats.opened(CameraTime(live=True), HOST, 100)
    time = beats.sampled(time, HOST + 200, 300, sent=True)
    assert at(time, 900) == (HOST + 200, "online")
    time = beats.sampled(time, HOST + 400, 500, sent=False)
    after, pulse = beats.beat(time, 900, HOST)
    assert pulse == beats.Pulse(HOST + 400, "online", HOST, True)
    assert beats.is_late(after, HOST + 400)
    assert not beats.is_late(after, HOST + 401)


def test_a_silent_live_camera_stalls_and_goes_offline_and_its_time_runs_on() -> None:
    time = beats.opened(CameraTime(live=True), HOST, 1000)
    time = beats.sampled(time, HOST, 1000, sent=True)
    assert at(time, 3999) == (HOST, "online")
    assert at(time, 4000) == (HOST + 3000, "stalled")
    assert at(time, 10_999) == (HOST + 9999, "stalled")
    assert at(time, 11_000) == (HOST + 10_000, "offline")
    # Pictures come, though none of them is sampled yet.
    assert at(beats.seen(time, 11_000), 11_500) == (HOST, "online")


def test_a_slow_file_does_not_stall_until_its_end() -> None:
    time = beats.sampled(beats.opened(CameraTime(live=False), OLD, 0), OLD + 80, 0, sent=True)
    assert at(time, 60_000) == (OLD + 80, "online")
    time = beats.ended(time, 60_000)
    assert at(time, 61_500) == (OLD + 1580, "stalled")
    assert at(time, 90_000) == (OLD + 30_080, "stalled")


def test_the_farewell_is_offline_and_above_what_was_written() -> None:
    time = beats.sampled(beats.opened(CameraTime(live=True), HOST, 0), HOST + 9, 0, sent=True)
    after, pulse = beats.farewell(time, 500)
    assert pulse == beats.Pulse(HOST + 509, "offline", HOST, False)
    assert after.written_at == HOST + 509


moves = st.one_of(
    st.tuples(st.just("frame"), st.integers(1, 5000)),
    st.tuples(st.just("held"), st.integers(1, 5000)),
    st.tuples(st.just("beat"), st.integers(0, 20_000)),
    st.tuples(st.just("epoch"), st.integers(-5000, 5000)),
)


@given(st.booleans(), st.lists(moves, max_size=60))
def test_what_is_written_never_goes_back(live: bool, steps: list[tuple[str, int]]) -> None:
    time, monotonic, sampled_at = CameraTime(live=live), 0, 0
    written: list[int] = []
    for what, by in steps:
        monotonic += abs(by)
        if what == "epoch":
            sampled_at = max(HOST + by, (time.written_at or 0) + 1)
            time = beats.opened(time, sampled_at, monotonic)
        elif what == "beat":
            time, pulse = beats.beat(time, monotonic, HOST)
            if pulse is not None:
                assert not written or pulse.beat_at >= written[-1]
                written.append(pulse.beat_at)
        elif time.epoch_at is not None:
            sampled_at += by
            sent = what == "frame" and not beats.is_late(time, sampled_at)
            if sent:
                assert not written or sampled_at > written[-1]
                written.append(sampled_at)
            time = beats.sampled(time, sampled_at, monotonic, sent=sent)
