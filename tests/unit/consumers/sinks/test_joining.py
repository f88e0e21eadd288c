from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.sinks.joining import ChunkJoiner, Joined, verify
from schemas.errors import Rejected
from tests.unit.consumers.evidence_records import cut, evidence_record


@given(st.binary(max_size=60), st.integers(1, 6), st.data())
def test_chunks_in_any_order_and_repeated_give_the_object_once_whole(
    data: bytes, chunks: int, draw: st.DataObject
) -> None:
    records = cut(data, chunks)
    order = draw.draw(st.permutations([*range(chunks), *range(chunks)]))
    joiner: ChunkJoiner[int] = ChunkJoiner()
    seen: set[int] = set()
    for place, number in enumerate(order):
        joined = joiner.add(records[number], place, 0)
        seen.add(number)
        if len(seen) < chunks:
            assert joined is None
            continue
        assert joined is not None and joined.evidence.data == data
        assert joined.sources == tuple(range(place + 1))
        verify(joined.evidence)
        break


@given(st.integers(2, 4), st.integers(1, 3))
def test_what_a_killed_maker_left_behind_belongs_to_the_next_attempt(
    chunks: int, left: int
) -> None:
    joiner: ChunkJoiner[str] = ChunkJoiner()
    first, second = cut(b"first attempt", chunks), cut(b"second, of other bytes", chunks)
    for number in range(min(left, chunks - 1)):
        assert joiner.add(first[number], f"first {number}", 0) is None
    results = [joiner.add(record, f"second {record.chunk}", 0) for record in second]
    assert results[:-1] == [None] * (chunks - 1)
    joined = results[-1]
    assert isinstance(joined, Joined) and joined.evidence.data == b"second, of other bytes"
    assert len(joined.sources) == chunks + min(left, chunks - 1)
    assert joiner.give_up(10**15) == []


def test_objects_do_not_mix() -> None:
    joiner: ChunkJoiner[int] = ChunkJoiner()
    one, other = cut(b"one", 2), cut(b"other", 2, evidence_id="other")
    assert joiner.add(one[0], 0, 0) is None
    assert joiner.add(other[1], 1, 0) is None
    joined = joiner.add(one[1], 2, 0)
    assert joined is not None and (joined.evidence.data, joined.sources) == (b"one", (0, 2))


def test_chunks_that_wait_too_long_or_take_too_much_room_are_given_up_oldest_first() -> None:
    joiner: ChunkJoiner[str] = ChunkJoiner(max_waiting_bytes=10, max_wait_ms=1000)
    joiner.add(cut(b"0123456789", 2, evidence_id="a")[0], "a", 0)
    joiner.add(cut(b"0123456789", 2, evidence_id="b")[0], "b", 500)
    assert joiner.give_up(1000) == []
    joiner.add(cut(b"0123456789", 2, evidence_id="c")[0], "c", 600)
    assert joiner.give_up(1000) == ["a"]
    assert joiner.give_up(1501) == ["b"]
    assert joiner.give_up(1601) == ["c"]


def test_objects_of_lost_partitions_are_forgotten() -> None:
    joiner: ChunkJoiner[str] = ChunkJoiner()
    first, second = cut(b"0123456789", 2)
    joiner.add(first, "theirs", 0)
    joiner.keep(lambda source: source == "mine")
    assert joiner.add(second, "mine", 0) is None


@pytest.mark.parametrize(
    ("chunk", "chunks"), [(0, 0), (-1, 2), (2, 2), (0, -1), (0, 10**6), (5, 2)]
)
def test_a_chunk_that_contradicts_itself_is_rejected(chunk: int, chunks: int) -> None:
    with pytest.raises(Rejected) as refused:
        ChunkJoiner[int]().add(evidence_record(chunk=chunk, chunks=chunks), 0, 0)
    assert refused.value.reason == "bad-chunk"


def test_a_wrong_hash_and_a_wrong_size_are_told_apart() -> None:
    verify(evidence_record())
    with pytest.raises(Rejected) as refused:
        verify(evidence_record(sha256="0" * 64))
    assert refused.value.reason == "wrong-hash"
    with pytest.raises(Rejected) as refused:
        verify(evidence_record(size=1))
    assert refused.value.reason == "wrong-size"
