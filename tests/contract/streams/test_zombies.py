"""A worker that lost a partition without noticing changes nothing of what its successor keeps."""

from __future__ import annotations

import time

import msgspec
import pytest

from infra.runtime.kafka import RecordProducer, create_topics, read_all
from schemas.records import State
from schemas.topics import Topic
from streams.apps.states import CLAIM_KEY, KeyState, StateStore

NOW = 1_700_000_000_000
COMPACTED_WITHIN_S = 120.0


class Counted(msgspec.Struct):
    """What the worker below keeps."""

    count: int


class Worker:
    """What a worker does with one key of one partition."""

    def __init__(self, kafka: str, stage: str) -> None:
        self.states = StateStore(stage, Counted, kafka)
        self.producer = RecordProducer(kafka, "worker")

    def take_over(self) -> int | None:
        """Load the partition; return what was counted so far."""
        self.states.load(0, NOW)
        state = self.states.get(0, "gate")
        return None if state is None else state.value.count

    def count_to(self, count: int) -> None:
        """Apply inputs up to a count, and store."""
        state = self.states.get(0, "gate") or KeyState(Counted(0))
        state.value, state.sequence, state.dirty = Counted(count), count, True
        self.states.put(0, "gate", state)
        for storable in self.states.take_dirty([0], NOW):
            self.states.write(self.producer, storable)
        self.producer.flush()


@pytest.fixture
def stage(kafka: str, request: pytest.FixtureRequest) -> str:
    """Return a stage of its own, whose states are compacted as soon as Kafka may."""
    name = str(request.node.name).replace("_", "-")
    eager = {
        "segment.ms": "100",
        "min.compaction.lag.ms": "0",
        "max.compaction.lag.ms": "100",
        "min.cleanable.dirty.ratio": "0.01",
        "delete.retention.ms": "0",
    }
    topic = Topic(
        f"state.{name}",
        "key",
        (State,),
        "states",
        "site",
        partitions=1,
        compacted=True,
        settings=tuple(eager.items()),
    )
    create_topics(kafka, [topic])
    return name


def compact(kafka: str, stage: str) -> None:
    """Wait until only the last record of each message key is left."""
    topic = f"state.{stage}"
    end = read_all(kafka, topic)[-1].offset
    producer = RecordProducer(kafka, "rolls the segment")
    deadline = time.monotonic() + COMPACTED_WITHIN_S
    while time.monotonic() < deadline:
        producer.send_raw(topic, None, key="filler", partition=0)
        producer.flush()
        keys = [m.key for m in read_all(kafka, topic) if m.offset <= end]
        if len(keys) == len(set(keys)):
            return
        time.sleep(1)
    raise AssertionError(f"{topic} was not compacted within {COMPACTED_WITHIN_S:g} s")


def test_a_zombies_older_state_does_not_survive_compaction(kafka: str, stage: str) -> None:
    first, second = Worker(kafka, stage), Worker(kafka, stage)
    assert first.take_over() is None
    first.count_to(100)
    assert second.take_over() == 100
    second.count_to(500)
    first.count_to(101)
    second.count_to(501)
    first.count_to(102)
    compact(kafka, stage)

    assert Worker(kafka, stage).take_over() == 501


def test_what_a_zombie_left_is_removed_by_the_next_owner(kafka: str, stage: str) -> None:
    first, second, third = (Worker(kafka, stage) for _ in range(3))
    first.take_over()
    first.count_to(100)
    second.take_over()
    second.count_to(500)
    first.count_to(101)
    assert third.take_over() == 500
    third.count_to(501)

    newest = {m.key: m.value for m in read_all(kafka, f"state.{stage}")}
    left = [key for key, value in newest.items() if value is not None and key != CLAIM_KEY]
    assert len(left) == 1
    assert Worker(kafka, stage).take_over() == 501


def test_a_state_of_before_claims_is_taken_over(kafka: str, stage: str) -> None:
    producer = RecordProducer(kafka, "earlier version")
    body = msgspec.msgpack.encode(Counted(7))
    old = State(stage=stage, key="gate", sequence=7, format=1, stored_at=NOW, body=body)
    producer.send(f"state.{stage}", old, key="gate", partition=0)
    producer.flush()
    worker = Worker(kafka, stage)

    assert worker.take_over() == 7
    worker.count_to(8)
    assert Worker(kafka, stage).take_over() == 8
