"""Reading one partition from a place to its present end, a few messages at a time."""

from __future__ import annotations

from collections.abc import Iterator

from confluent_kafka import Consumer, KafkaException, TopicPartition

from infra.runtime.kafka import Message, no_answer, reading_client, to_message
from schemas.errors import Retryable

_QUEUED_KIB = 8192
_BATCH = 500
_TIMEOUT_S = 10.0


def first_offset(bootstrap: str, topic: str, partition: int) -> int:
    """Return the offset of the oldest message that is still kept.

    Raises:
        Retryable: Kafka does not answer.
    """
    consumer = _consumer(bootstrap, topic)
    try:
        return int(_ends(consumer, bootstrap, topic, partition)[0])
    finally:
        consumer.close()


def offset_at(bootstrap: str, topic: str, partition: int, at: int) -> int:
    """Return the offset of the first message appended at or after ``at``, UTC ms, or the end.

    Raises:
        Retryable: Kafka does not answer.
    """
    consumer = _consumer(bootstrap, topic)
    try:
        asked = TopicPartition(topic, partition, max(0, at))
        (found,) = consumer.offsets_for_times([asked], timeout=_TIMEOUT_S)
        if found.offset >= 0:
            return int(found.offset)
        return _ends(consumer, bootstrap, topic, partition)[1]
    except KafkaException as error:
        raise Retryable(f"{topic} cannot be read: {no_answer(bootstrap, error)}") from error
    finally:
        consumer.close()


def read_on(bootstrap: str, topic: str, partition: int, start: int) -> Iterator[Message]:
    """Yield the messages from ``start``, or the oldest kept, up to the end there is now, in order.

    Raises:
        Retryable: Kafka does not answer, or stops answering.
    """
    consumer = _consumer(bootstrap, topic)
    try:
        low, end = _ends(consumer, bootstrap, topic, partition)
        position = max(low, start)
        consumer.assign([TopicPartition(topic, partition, position)])
        while position < end:
            # To wait for a whole batch would wait at the end of the partition in vain.
            first = consumer.poll(_TIMEOUT_S)
            if first is None:
                raise Retryable(f"{topic}[{partition}] stopped answering at offset {position}")
            for raw in (first, *consumer.consume(_BATCH, 0)):
                error = raw.error()
                if error is not None:
                    if error.retriable():
                        continue
                    raise Retryable(f"{topic}[{partition}] cannot be read: {error.str()}")
                message = to_message(raw)
                position = message.offset + 1
                if message.offset >= end:
                    return
                yield message
    except KafkaException as error:
        raise Retryable(f"{topic} cannot be read: {no_answer(bootstrap, error)}") from error
    finally:
        consumer.close()


def _consumer(bootstrap: str, topic: str) -> Consumer:
    return reading_client(
        bootstrap,
        f"read-on-{topic}",
        {
            "auto.offset.reset": "earliest",
            "queued.max.messages.kbytes": _QUEUED_KIB,
        },
    )


def _ends(consumer: Consumer, bootstrap: str, topic: str, partition: int) -> tuple[int, int]:
    try:
        low, end = consumer.get_watermark_offsets(
            TopicPartition(topic, partition), timeout=_TIMEOUT_S
        )
    except KafkaException as error:
        raise Retryable(f"{topic} cannot be read: {no_answer(bootstrap, error)}") from error
    return int(low), int(end)
