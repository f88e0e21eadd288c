"""Where the newest messages of a topic stand."""

from __future__ import annotations

from confluent_kafka import KafkaException, TopicPartition

from infra.runtime.kafka import no_answer, reading_client
from schemas.errors import Retryable


def tail_offsets(bootstrap: str, topic: str, count: int) -> dict[int, range]:
    """Return the offsets of the last ``count`` messages of each partition that has any.

    Raises:
        Retryable: the broker does not answer.
    """
    consumer = reading_client(bootstrap, f"tail-{topic}")
    try:
        found = {}
        for partition in sorted(consumer.list_topics(topic, timeout=10).topics[topic].partitions):
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
            if low < high:
                found[partition] = range(max(low, high - count), high)
        return found
    except KafkaException as error:
        raise Retryable(f"{topic} cannot be read: {no_answer(bootstrap, error)}") from error
    finally:
        consumer.close()
