"""What was last written under a key: read back from the end of the key's partition."""

from __future__ import annotations

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from infra.runtime.kafka import reading_client
from schemas.errors import Retryable

_FIRST_LOOK = 256
"""Messages from the end; a camera that beats stands within the last few."""
_FETCH_BYTES = 16 << 20


def last_value(bootstrap: str, topic: str, key: str) -> bytes | None:
    """Return the value of the last message with this key; None if there is none.

    Looks further and further back, through the whole partition if it must: once for each camera
    that is new to the site.

    Raises:
        Retryable: Kafka does not answer.
    """
    consumer = reading_client(
        bootstrap,
        "capture-tail",
        {
            "enable.partition.eof": True,
            "fetch.message.max.bytes": _FETCH_BYTES,
        },
    )
    try:
        partitions = len(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
        if partitions == 0:
            raise Retryable(f"topic {topic} is not there: `sightline topics create`")
        partition = partition_of(key.encode(), partitions)
        low, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
        look = _FIRST_LOOK
        while end > low:
            begin = max(low, end - look)
            found = _last_between(consumer, topic, partition, begin, end, key.encode())
            if found is not None:
                return found
            end, look = begin, look * 4
        return None
    except KafkaException as error:
        raise Retryable(f"the end of {topic} cannot be read from {bootstrap}: {error}") from error
    finally:
        consumer.close()


def _last_between(
    consumer: Consumer, topic: str, partition: int, begin: int, end: int, key: bytes
) -> bytes | None:
    consumer.assign([TopicPartition(topic, partition, begin)])
    found: bytes | None = None
    while True:
        raw = consumer.poll(10)
        if raw is None:
            raise Retryable(f"{topic} stopped answering while its end was read")
        error = raw.error()
        if error is not None:
            if error.code() == KafkaError._PARTITION_EOF:
                return found
            raise KafkaException(error)
        offset = raw.offset()
        if offset is not None and offset >= end:
            return found
        if raw.key() == key:
            found = raw.value()
        if offset == end - 1:
            return found


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition that Kafka's murmur2 partitioner gives a key.

    Source: ``toPositive(murmur2(key)) % partitions`` in Kafka's BuiltInPartitioner.

    >>> partition_of(b"gate", 12)
    0
    """
    return (_murmur2(key) & 0x7FFFFFFF) % partitions


def _murmur2(data: bytes) -> int:
    """MurmurHash2 (Austin Appleby), 32 bit, with the seed of Kafka's Utils.murmur2."""
    mask, multiplier, shift = 0xFFFFFFFF, 0x5BD1E995, 24
    value = 0x9747B28C ^ len(data)
    whole = len(data) // 4 * 4
    for start in range(0, whole, 4):
        word = int.from_bytes(data[start : start + 4], "little") * multiplier & mask
        word = (word ^ word >> shift) * multiplier & mask
        value = value * multiplier & mask ^ word
    if whole < len(data):
        value ^= int.from_bytes(data[whole:], "little")
        value = value * multiplier & mask
    value = (value ^ value >> 13) * multiplier & mask
    return value ^ value >> 15
