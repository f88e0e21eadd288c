from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.evidence.index import TRIMMED_AT_ONCE, Entry, FrameIndex

times = st.integers(0, 60)
entries = st.lists(st.builds(Entry, times, st.integers(0, 1), st.integers(0, 40)), max_size=40)


@given(entries, times, times)
def test_between_and_before_answer_as_a_plain_search_would(
    added: list[Entry], low: int, high: int
) -> None:
    index = FrameIndex()
    for entry in added:
        index.add_frame("gate", entry)
    known = sorted(set(added))
    assert index.between("gate", low, high) == tuple(
        entry for entry in known if low <= entry.captured_at <= high
    )
    before = [entry for entry in known if entry.captured_at <= high]
    assert index.at_or_before("gate", high) == (before[-1] if before else None)
    assert index.clock("gate") == (max(entry.captured_at for entry in added) if added else None)


@given(entries, st.dictionaries(st.integers(0, 1), st.integers(0, 40)))
def test_no_frame_below_the_lowest_offset_of_its_partition_stays_in_front(
    added: list[Entry], low: dict[int, int]
) -> None:
    index = FrameIndex()
    for entry in added:
        index.add_frame("gate", entry)
    index.expire(low)
    left = index.between("gate", 0, 60)
    if left:
        assert left[0].offset >= low.get(left[0].partition, 0)
    assert {e for e in added if e.offset >= low.get(e.partition, 0)} <= set(left)


def test_a_beat_moves_the_clock_and_is_no_frame() -> None:
    index = FrameIndex()
    index.add_beat("gate", 500)
    assert index.clock("gate") == 500
    assert index.between("gate", 0, 1000) == ()
    assert index.oldest("gate") is None


def test_cameras_do_not_mix() -> None:
    index = FrameIndex()
    index.add_frame("gate", Entry(10, 0, 1))
    assert index.clock("yard") is None
    assert index.at_or_before("yard", 100) is None
    assert index.between("yard", 0, 100) == ()


def test_what_is_older_than_the_horizon_is_forgotten_in_time() -> None:
    index = FrameIndex(horizon_ms=1000)
    for at in range(3 * TRIMMED_AT_ONCE):
        index.add_frame("gate", Entry(at * 10, 0, at))
    newest = index.clock("gate")
    assert newest is not None
    kept = index.between("gate", 0, newest)
    assert len(kept) <= 100 + 1 + TRIMMED_AT_ONCE
    assert len(index.between("gate", newest - 1000, newest)) == 101


def test_the_number_of_frames_is_bounded() -> None:
    index = FrameIndex(max_entries=10)
    for at in range(5 * TRIMMED_AT_ONCE):
        index.add_frame("gate", Entry(at, 0, at))
    kept = index.between("gate", 0, 5 * TRIMMED_AT_ONCE)
    assert len(kept) <= 10 + TRIMMED_AT_ONCE
    assert kept[-1].captured_at == 5 * TRIMMED_AT_ONCE - 1
