"""What is paused while the group gives it away and back is read again."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from infra.local.stack import Stack, StackConfig
from infra.runtime.kafka import Message, RecordConsumer, RecordProducer, create_topics
from schemas.topics import Topic

TOPIC = "paused"
WITHIN_S = 60.0


def read(consumer: RecordConsumer) -> list[Message]:
    """Return the next messages."""
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline:
        found = consumer.read(10)
        if found:
            return found
    return []


def test_a_pause_does_not_outlast_a_lost_partition() -> None:
    data_dir = Path(tempfile.mkdtemp(prefix="sightline-paused-"))
    stack = Stack(StackConfig(data_dir=data_dir, parts=frozenset({"edge-kafka"})))
    stack.start()
    try:
        kafka = stack.endpoints.edge_kafka
        create_topics(kafka, [Topic(TOPIC, "key", (), "records", "site")])
        producer = RecordProducer(kafka, "test")
        for _ in range(100):
            producer.send_raw(TOPIC, b"record", key="key", partition=0)
        producer.flush()
        consumer = RecordConsumer(kafka, "group", [TOPIC], instance="group-1")
        before = read(consumer)
        assert before

        consumer.pause()
        stack.stop_part("edge-kafka")
        deadline = time.monotonic() + WITHIN_S
        while consumer.assigned() and time.monotonic() < deadline:
            consumer.read(1, 0.1)
        assert not consumer.assigned()
        consumer.resume()
        stack.start_part("edge-kafka")

        # Nothing was committed: it begins anew.
        after = read(consumer)
        assert after and after[0].offset == 0
        consumer.close()
    finally:
        stack.stop()
        shutil.rmtree(data_dir)
