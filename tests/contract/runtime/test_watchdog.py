"""A group that stands still while messages wait ends its process, unless there is an excuse."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from infra.runtime.kafka import Message, RecordConsumer, RecordProducer, create_topics
from infra.runtime.watchdog import EXIT_CODE, Watchdog, WatchdogConfig
from schemas.records import State
from schemas.topics import Topic

PATIENCE_S = 60.0
TOPIC, GROUP = "watched", "sightline.watched"
CONFIG = WatchdogConfig(look_every_s=0.05, stuck_after_s=90.0)


@dataclass
class Process:
    """What is watched: it has a clock and perhaps an excuse, and hears when it is to end."""

    kafka: str
    excuse: str | None = None
    now_s: float = 1000.0
    codes: list[int] = field(default_factory=list)
    lags: list[int] = field(default_factory=list)
    looked: threading.Condition = field(default_factory=threading.Condition)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Run the watchdog."""
        watchdog = Watchdog(
            self.kafka,
            {GROUP: [TOPIC]},
            excuse=lambda: self.excuse,
            on_lag=self._look,
            config=CONFIG,
            end=self.codes.append,
            now_s=lambda: self.now_s,
        )
        watchdog.start()
        try:
            yield
        finally:
            watchdog.stop()
            watchdog.join(PATIENCE_S)

    def passes(self, seconds: float) -> None:
        """Let time go by until it has surely been looked at."""
        self.now_s += seconds
        with self.looked:
            # The look that was under way may not have seen the new time.
            wanted = len(self.lags) + 3
            assert self.looked.wait_for(lambda: len(self.lags) >= wanted, PATIENCE_S)

    def _look(self, group: str, lag: int) -> None:
        with self.looked:
            self.lags.append(lag)
            self.looked.notify_all()


@pytest.fixture(scope="module")
def read(kafka: str) -> list[Message]:
    """Ten messages of which three have been committed."""
    create_topics(kafka, [Topic(TOPIC, "key", (State,), "inputs", "site", partitions=1)])
    producer = RecordProducer(kafka, "test")
    for number in range(10):
        producer.send_raw(TOPIC, b"x", key=str(number))
    producer.flush()
    consumer = RecordConsumer(kafka, GROUP, [TOPIC])
    found: list[Message] = []
    while len(found) < 10:
        found += consumer.read(10, 1.0)
    consumer.commit(found[:3])
    consumer.close()
    return found


@pytest.fixture
def process(kafka: str, read: list[Message]) -> Process:
    return Process(kafka)


def test_a_group_that_stands_still_ends_its_process(process: Process) -> None:
    with process.watched():
        process.passes(1.0)
        process.passes(CONFIG.stuck_after_s)
        assert not process.codes
        process.passes(1.0)
    assert set(process.codes) == {EXIT_CODE} and set(process.lags) == {7}


def test_whoever_has_an_excuse_is_left_alone_until_it_has_none(process: Process) -> None:
    process.excuse = "the model does not answer"
    with process.watched():
        for _ in range(5):
            process.passes(CONFIG.stuck_after_s)
        process.excuse = None
        process.passes(CONFIG.stuck_after_s)
        assert not process.codes
        process.passes(1.0)
        assert process.codes


def test_commits_are_progress_and_where_nothing_waits_none_is_needed(
    process: Process, kafka: str, read: list[Message]
) -> None:
    consumer = RecordConsumer(kafka, GROUP, [TOPIC])
    try:
        while not consumer.assigned():
            consumer.read(1, 0.1)
        with process.watched():
            for end in range(4, 11):
                consumer.commit(read[:end])
                process.passes(CONFIG.stuck_after_s)
            for _ in range(3):
                process.passes(CONFIG.stuck_after_s)
        assert not process.codes and process.lags[-1] == 0
    finally:
        consumer.close()
