"""Reading a topic whole, from its beginning and then on, without a group or commits."""

from __future__ import annotations

import time

from confluent_kafka import (
    OFFSET_BEGINNING,
    KafkaError,
    KafkaException,
    TopicPartition,
)

from infra.runtime.kafka import Message, reading_client, to_message
from schemas.errors import Fatal, Retryable

TIMEOUT_S = 10.0


class TopicFollower:
    """Every message of a topic, each partition in order; not for use by two threads at once."""

    def __init__(self, bootstrap: str, topic: str, name: str, *, queued_kib: int = 32_768) -> None:
        """Begin to read; ``name`` says who, ``queued_kib`` bounds what is fetched ahead.

        Raises:
            Retryable: Kafka does not answer.
            Fatal: the topic is not there.
        """
        self._topic = topic
        self._kafka = reading_client(
            bootstrap,
            name,
            {
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 100,
                "queued.max.messages.kbytes": queued_kib,
            },
        )
        try:
            described = self._kafka.list_topics(topic, timeout=TIMEOUT_S).topics[topic]
            self._partitions = sorted(described.partitions)
            # The ends at the start: a busy partition may never be seen at its present one.
            self._ends = {part: self._offsets(part, TIMEOUT_S)[1] for part in self._partitions}
        except KafkaException as error:
            self._kafka.close()
            raise Retryable(f"Kafka does not answer at {bootstrap}: {error}") from error
        self._behind = {part for part, end in self._ends.items() if end > 0}
        self._next = dict.fromkeys(self._partitions, 0)
        if not self._partitions:
            self._kafka.close()
            raise Fatal(f"topic {topic} is not there: create it with `sightline topics create`")
        self._kafka.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in self._partitions])

    @property
    def caught_up(self) -> bool:
        """Whether everything that was there at the start has been read."""
        return not self._behind

    def read(self, limit: int = 1000, timeout_s: float = 0.0) -> list[Message]:
        """Return up to ``limit`` messages, waiting up to ``timeout_s`` for the first.

        Raises:
            Fatal: the Kafka client gave up.
        """
        messages: list[Message] = []
        first = self._kafka.poll(timeout_s)
        if first is None:
            return messages
        for raw in (first, *self._kafka.consume(limit - 1, 0)) if limit > 1 else (first,):
            error = raw.error()
            if error is None:
                message = to_message(raw)
                messages.append(message)
                self._next[message.partition] = message.offset + 1
                if message.offset + 1 >= self._ends[message.partition]:
                    self._behind.discard(message.partition)
            elif error.code() == KafkaError._PARTITION_EOF:
                self._behind.discard(raw.partition())
            elif error.fatal():
                raise Fatal(f"the Kafka client gave up: {error.str()}; start this process again")
        return messages

    def read_to_end(self, within_s: float) -> tuple[list[Message], bool]:
        """Ask where the topic ends now, and read up to there.

        The second value is False where Kafka did not answer, or not so fast.

        Raises:
            Fatal: the Kafka client gave up.
        """
        until_s = time.monotonic() + within_s
        messages: list[Message] = []
        try:
            ranges = {part: self._offsets(part, within_s) for part in self._partitions}
        except KafkaException:
            return messages, False
        while any(max(self._next[part], low) < end for part, (low, end) in ranges.items()):
            if time.monotonic() >= until_s:
                return messages, False
            messages += self.read(timeout_s=0.1)
        return messages, True

    def lag(self, within_s: float) -> int | None:
        """Return how many messages wait to be read now; None where Kafka does not answer."""
        try:
            ranges = {part: self._offsets(part, within_s) for part in self._partitions}
        except KafkaException:
            return None
        return sum(max(0, end - max(self._next[part], low)) for part, (low, end) in ranges.items())

    def low_offsets(self) -> dict[int, int] | None:
        """Return the lowest offset that each partition holds; None while Kafka is away."""
        low: dict[int, int] = {}
        for partition in self._partitions:
            try:
                low[partition] = self._offsets(partition, 1)[0]
            except KafkaException:
                return None
        return low

    def _offsets(self, partition: int, timeout_s: float) -> tuple[int, int]:
        low, high = self._kafka.get_watermark_offsets(
            TopicPartition(self._topic, partition), timeout=timeout_s
        )
        return low, high

    def close(self) -> None:
        """Stop reading."""
        self._kafka.close()
