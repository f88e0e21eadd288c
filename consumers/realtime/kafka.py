"""Reading the followed topics without a group: all partitions, from chosen offsets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from confluent_kafka import (
    Consumer,
    KafkaException,
    TopicCollection,
    TopicPartition,
)

from consumers.realtime.kinds import SOURCES, Kind
from consumers.realtime.positions import Positions
from infra.runtime.kafka import (
    Message,
    admin_client,
    is_usable,
    no_answer,
    reading_client,
    to_message,
)
from schemas.errors import Retryable

TIMEOUT_S = 10.0
NAME = "sightline.realtime"


def consumer(bootstrap: str, **settings: int) -> Consumer:
    """Return a client that is a member of no group and commits nothing."""
    return reading_client(bootstrap, NAME, {"auto.offset.reset": "earliest", **settings})


def topic_ids(bootstrap: str) -> dict[Kind, str]:
    """Return the ids that Kafka gave the topics when they were made.

    Raises:
        Retryable: Kafka does not answer, or has no such topic yet.
    """
    admin = admin_client(bootstrap)
    topics = {source.topic: kind for kind, source in SOURCES.items()}
    try:
        described = admin.describe_topics(TopicCollection(list(topics)), request_timeout=TIMEOUT_S)
        return {topics[name]: str(future.result().topic_id) for name, future in described.items()}
    except KafkaException as error:
        raise Retryable(no_answer(bootstrap, error)) from error


def bounds(
    client: Consumer, bootstrap: str, kinds: Iterable[Kind] = SOURCES
) -> tuple[Positions, Positions]:
    """Return where the topics of these kinds begin and where they end at present.

    Raises:
        Retryable: Kafka does not answer.
    """
    lows: dict[Kind, tuple[int, ...]] = {}
    highs: dict[Kind, tuple[int, ...]] = {}
    try:
        for kind in kinds:
            topic = SOURCES[kind].topic
            described = client.list_topics(topic, timeout=TIMEOUT_S).topics[topic]
            pairs = [
                client.get_watermark_offsets(TopicPartition(topic, part), timeout=TIMEOUT_S)
                for part in sorted(described.partitions)
            ]
            lows[kind] = tuple(low for low, _ in pairs)
            highs[kind] = tuple(high for _, high in pairs)
    except KafkaException as error:
        raise Retryable(no_answer(bootstrap, error)) from error
    return lows, highs


class Tail:
    """Everything from a little before the present end on, for ever; for one thread."""

    def __init__(self, bootstrap: str, back: int) -> None:
        """Begin ``back`` messages before the end of each partition.

        Raises:
            Retryable: Kafka does not answer.
        """
        self._kafka = consumer(bootstrap, **{"fetch.wait.max.ms": 100})
        try:
            lows, self.ends = bounds(self._kafka, bootstrap)
        except Retryable:
            self._kafka.close()
            raise
        self.start: Mapping[Kind, tuple[int, ...]] = {
            kind: tuple(max(low, end - back) for low, end in zip(lows[kind], ends, strict=True))
            for kind, ends in self.ends.items()
        }
        self._kafka.assign(places(self.start))

    def read(self, limit: int, timeout_s: float) -> list[Message]:
        """Return up to ``limit`` messages, as soon as there are any.

        Raises:
            Fatal: the client gave up.
        """
        first = self._kafka.poll(timeout_s)
        if first is None:
            return []
        raws = (first, *self._kafka.consume(limit - 1, 0))
        return [to_message(raw) for raw in raws if is_usable(raw)]

    def close(self) -> None:
        """Stop reading."""
        self._kafka.close()


def places(positions: Positions) -> list[TopicPartition]:
    """Return the same as the client's own type."""
    return [
        TopicPartition(SOURCES[kind].topic, partition, offset)
        for kind, offsets in positions.items()
        for partition, offset in enumerate(offsets)
    ]
