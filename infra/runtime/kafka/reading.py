"""Reading a topic without a group: all of it, or single messages."""

from __future__ import annotations

from collections.abc import Iterable

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from infra.runtime.kafka.clients import reading_client
from infra.runtime.kafka.message import (
    MESSAGE_BYTES,
    Message,
    is_usable,
    no_answer,
    to_message,
)
from schemas.errors import Retryable


def read_all(
    bootstrap: str,
    topic: str,
    partitions: Iterable[int] | None = None,
    *,
    arrived: tuple[int, int] | None = None,
) -> list[Message]:
    """Return everything in a topic (or some partitions of it) up to its present end, in order.

    With ``arrived`` only what was appended between these times, UTC ms, the second excluded.
    """
    consumer = reading_client(
        bootstrap,
        f"read-all-{topic}",
        {
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "fetch.message.max.bytes": MESSAGE_BYTES,
        },
    )
    try:
        if partitions is None:
            described = consumer.list_topics(topic, timeout=10).topics[topic]
            partitions = list(described.partitions)
        places = [TopicPartition(topic, partition, 0) for partition in partitions]
        ends: dict[int, int] = {}
        for place in places:
            place.offset, end = consumer.get_watermark_offsets(place, timeout=10)
            if arrived is not None:
                place.offset, end = (
                    _offset_at(consumer, place, arrived_at, end) for arrived_at in arrived
                )
            if place.offset < end:
                ends[place.partition] = end
        consumer.assign(places)
        messages: list[Message] = []
        while ends:
            raw = consumer.poll(10)
            if raw is None:
                raise Retryable(f"{topic} stopped answering while it was read")
            error = raw.error()
            if error is not None and error.code() == KafkaError._PARTITION_EOF:
                ends.pop(raw.partition() or 0, None)
            elif is_usable(raw):
                message = to_message(raw)
                # Where messages keep coming the end of a partition is never reported.
                if message.offset < ends.get(message.partition, 0):
                    messages.append(message)
                if message.offset >= ends.get(message.partition, message.offset + 2) - 1:
                    del ends[message.partition]
        return messages
    except KafkaException as error:
        raise Retryable(f"{topic} cannot be read: {no_answer(bootstrap, error)}") from error
    finally:
        consumer.close()


def _offset_at(consumer: Consumer, place: TopicPartition, at: int, end: int) -> int:
    """Return the offset of the first message appended at or after ``at``, or the end."""
    asked = TopicPartition(place.topic, place.partition, at)
    (found,) = consumer.offsets_for_times([asked], timeout=10)
    return int(found.offset) if found.offset >= 0 else end


def read_at(bootstrap: str, topic: str, partition: int, offsets: Iterable[int]) -> list[Message]:
    """Return single messages of a partition, in order; those no longer kept are left out.

    Raises:
        Retryable: the broker does not answer.
    """
    consumer = reading_client(
        bootstrap,
        f"read-at-{topic}",
        {
            # A fetch brings the batch that holds the message, and nothing after it.
            "fetch.message.max.bytes": 1,
        },
    )
    try:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
        messages: list[Message] = []
        for offset in sorted(offset for offset in set(offsets) if low <= offset < high):
            consumer.assign([TopicPartition(topic, partition, offset)])
            raw = consumer.poll(10)
            if raw is None:
                raise Retryable(f"{topic} stopped answering while it was read")
            # Retention may move on meanwhile, and the broker then gives a later message.
            if is_usable(raw) and raw.offset() == offset:
                messages.append(to_message(raw))
        return messages
    except KafkaException as error:
        raise Retryable(f"{topic} cannot be read: {no_answer(bootstrap, error)}") from error
    finally:
        consumer.close()
