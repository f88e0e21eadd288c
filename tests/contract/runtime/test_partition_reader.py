"""A reader of partitions reads where it is placed, again after it was placed anew."""

from __future__ import annotations

import time

from infra.runtime.kafka import Message, PartitionReader, RecordProducer, create_topics
from schemas.topics import Topic

WITHIN_S = 30.0


def read(reader: PartitionReader, count: int) -> list[Message]:
    """Return the next messages."""
    found: list[Message] = []
    deadline = time.monotonic() + WITHIN_S
    while len(found) < count and time.monotonic() < deadline:
        found += reader.read(count - len(found), gather_s=0.01)
    return found


def test_it_reads_where_it_is_placed(kafka: str) -> None:
    create_topics(kafka, [Topic("placed", "key", (), "records", "site", partitions=2)])
    producer = RecordProducer(kafka, "test")
    for number in range(10):
        for partition in (0, 1):
            producer.send_raw("placed", f"{number}".encode(), partition=partition)
    producer.flush()
    reader = PartitionReader(kafka, "reader")
    try:
        reader.place({("placed", 0): None, ("placed", 1): 7})
        first = read(reader, 13)
        assert [m.value for m in first if m.partition == 0] == [b"%d" % n for n in range(10)]
        assert [m.offset for m in first if m.partition == 1] == [7, 8, 9]

        reader.place({("placed", 0): 4})
        again = read(reader, 6)
        assert [(m.partition, m.offset) for m in again] == [(0, offset) for offset in range(4, 10)]

        # What is not kept any more: the first that is.
        reader.place({("placed", 1): 1000})
        assert [m.offset for m in read(reader, 10)] == list(range(10))
        reader.place({})
        assert reader.read(timeout_s=0.2) == []
    finally:
        reader.close()
