"""How much waits for a member of a group: never what was read before it came."""

from __future__ import annotations

import time

from infra.runtime.kafka import Message, RecordConsumer, RecordProducer, create_topics
from schemas.topics import Topic

TOPIC, GROUP = "lagging", "lagging"
WITHIN_S = 60.0


def read(consumer: RecordConsumer, count: int) -> list[Message]:
    """Return so many messages."""
    found: list[Message] = []
    until_s = time.monotonic() + WITHIN_S
    while len(found) < count and time.monotonic() < until_s:
        found += consumer.read()
    assert len(found) == count
    return found


def test_what_was_committed_before_does_not_wait(kafka: str) -> None:
    create_topics(kafka, [Topic(TOPIC, "key", (), "records", "site", partitions=2)])
    producer = RecordProducer(kafka, "test")

    def write(partition: int, count: int) -> None:
        for _ in range(count):
            producer.send_raw(TOPIC, b"record", key="key", partition=partition)
        producer.flush()

    write(0, 300)
    write(1, 400)
    first = RecordConsumer(kafka, GROUP, [TOPIC])
    first.commit(read(first, 700))
    assert first.lag() == 0
    first.close()

    # Nothing comes to the second member out of partition 1, so it has no position there.
    write(0, 1)
    second = RecordConsumer(kafka, GROUP, [TOPIC])
    second.commit(read(second, 1))
    assert second.lag() == 0
    second.close()

    third = RecordConsumer(kafka, GROUP, [TOPIC])
    write(1, 50)
    (message,) = third.read(1, WITHIN_S)
    assert message.partition == 1
    assert third.lag() == 49
    third.close()
