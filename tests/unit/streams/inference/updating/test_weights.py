"""Chunks in any order, again, with gaps, damaged, and after a restart."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.runtime.kafka import Message
from schemas import releases
from schemas.codec import encode
from schemas.errors import Rejected, Retryable
from schemas.records import ModelChunk
from streams.inference.updating.pieces import Pieces
from streams.inference.updating.weights import WeightStore

CHUNK = 64
DATA = bytes(range(256)) + b"the rest"
DIGEST = sha256(DATA).hexdigest()


@pytest.fixture(autouse=True)
def small_chunks() -> object:
    with patch.object(releases, "CHUNK_BYTES", CHUNK):
        yield


@pytest.fixture
def chunks(tmp_path: Path) -> list[ModelChunk]:
    path = tmp_path / "model.onnx"
    path.write_bytes(DATA)
    return list(releases.chunks_of(path, DIGEST, 1))


class Topic:
    """Messages by offset; counts how often it is read."""

    def __init__(self, records: list[ModelChunk]) -> None:
        self.records = dict(enumerate(records))
        self.reads = 0

    def read_at(self, offsets: object) -> list[Message]:
        self.reads += 1
        return [
            Message(releases.TOPIC, 0, offset, None, encode(self.records[offset]), 0)
            for offset in sorted(offsets)  # type: ignore[call-overload]
            if offset in self.records
        ]


def heard(topic: Topic) -> Pieces:
    pieces = Pieces()
    for offset, record in topic.records.items():
        pieces.hear(record, offset)
    return pieces


def test_chunks_hold_the_file(chunks: list[ModelChunk]) -> None:
    assert [chunk.chunk for chunk in chunks] == [0, 1, 2, 3, 4]
    assert {chunk.chunks for chunk in chunks} == {5}
    assert b"".join(chunk.data for chunk in chunks) == DATA


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(order=st.lists(st.integers(0, 4), min_size=0, max_size=12))
def test_any_order_and_repeats(
    order: list[int], chunks: list[ModelChunk], tmp_path_factory: pytest.TempPathFactory
) -> None:
    topic = Topic([chunks[number] for number in order])
    store = WeightStore(tmp_path_factory.mktemp("store"))
    pieces = heard(topic)
    if set(order) == set(range(5)):
        pieces.bring(DIGEST, 5, store, topic.read_at)
        assert store.join(DIGEST, 5).read_bytes() == DATA
    else:
        with pytest.raises(Retryable, match="have not come"):
            pieces.bring(DIGEST, 5, store, topic.read_at)
        assert store.held(DIGEST) == set(order)
        assert store.whole(DIGEST) is None


def test_a_missing_chunk_is_waited_for_and_nothing_is_read_twice(
    chunks: list[ModelChunk], tmp_path: Path
) -> None:
    topic = Topic(chunks[:3] + chunks[4:])
    store = WeightStore(tmp_path / "store")
    with pytest.raises(Retryable, match="1 of 5 chunks"):
        heard(topic).bring(DIGEST, 5, store, topic.read_at)
    topic.records = {9: chunks[3]}
    reads = topic.reads
    heard(topic).bring(DIGEST, 5, WeightStore(tmp_path / "store"), topic.read_at)
    assert topic.reads == reads + 1
    assert store.join(DIGEST, 5).read_bytes() == DATA
    assert store.whole(DIGEST) is not None and store.held(DIGEST) == set()


def test_a_deleted_chunk_is_not_there(chunks: list[ModelChunk], tmp_path: Path) -> None:
    topic = Topic(chunks)
    pieces = heard(topic)
    for chunk in chunks:
        gone = ModelChunk(
            sha256=DIGEST, chunk=chunk.chunk, chunks=5, data=b"", published_at=2, deleted=True
        )
        pieces.hear(gone, 10 + chunk.chunk)
    with pytest.raises(Retryable, match="5 of 5"):
        pieces.bring(DIGEST, 5, WeightStore(tmp_path / "store"), topic.read_at)
    assert pieces._offsets == {}


def test_a_wrong_checksum_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    store = WeightStore(tmp_path)
    store.add(DIGEST, 0, b"other")
    with pytest.raises(Rejected, match="damaged on the way") as refused:
        store.join(DIGEST, 1)
    assert refused.value.reason == "wrong-checksum"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("chunk", "data"), [(-1, b"a"), (releases.MOST_CHUNKS, b"a"), (0, b"")], ids=str
)
def test_no_chunk_is_refused(chunk: int, data: bytes, tmp_path: Path) -> None:
    with pytest.raises(Rejected) as refused:
        WeightStore(tmp_path).add(DIGEST, chunk, data)
    assert refused.value.reason == "bad-chunk"
    assert list(tmp_path.iterdir()) == []


def test_only_what_is_wanted_is_kept(tmp_path: Path) -> None:
    store = WeightStore(tmp_path)
    store.keep_only([])
    for digest in ("a", "b"):
        store.add(digest, 0, b"x")
    store.keep_only(["b"])
    assert store.held("a") == set() and store.held("b") == {0}
