"""Reading partitions that somebody else hands out."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

from confluent_kafka import OFFSET_BEGINNING, KafkaException, TopicPartition

from infra.runtime.kafka.clients import reading_client
from infra.runtime.kafka.message import (
    MESSAGE_BYTES,
    Message,
    no_answer,
    with_those_waiting,
)
from schemas.errors import Retryable

_BUFFER_KIB = 16 << 10
"""Fetched and not read yet, of all partitions."""
_FULL_BUFFER_WAIT_MS = 20
_CLOSELY = 3
"""Times the wait for others: messages further apart do not wait."""


class PartitionReader:
    """Reads the partitions it is placed at, and belongs to no group. For one thread."""

    def __init__(self, bootstrap: str, name: str) -> None:
        self._bootstrap = bootstrap
        self._read_at = -math.inf
        self._consumer = reading_client(
            bootstrap,
            name,
            {
                "auto.offset.reset": "earliest",
                "fetch.message.max.bytes": MESSAGE_BYTES,
                "queued.max.messages.kbytes": _BUFFER_KIB,
                "fetch.queue.backoff.ms": _FULL_BUFFER_WAIT_MS,
            },
        )

    def place(self, offsets: Mapping[tuple[str, int], int | None]) -> None:
        """Read these partitions and no others, each from its offset; None: from its beginning.

        An offset that is not kept any more is taken for the first one that is.

        Raises:
            Retryable: the client does not take them.
        """
        places = [
            TopicPartition(topic, partition, OFFSET_BEGINNING if offset is None else offset)
            for (topic, partition), offset in offsets.items()
        ]
        try:
            self._consumer.assign(places)
        except KafkaException as error:
            raise Retryable(no_answer(self._bootstrap, error)) from error

    def read(
        self, limit: int = 500, timeout_s: float = 0.5, gather_s: float = 0.0
    ) -> list[Message]:
        """Return up to ``limit`` messages, as soon as there are any.

        Where they follow one another closely, ``gather_s`` is waited for others once one has come, as
        each read costs its caller more than a message. Where they come now and then nothing is waited.

        Raises:
            Fatal: the topic is not there, or the client gave up.
        """
        first = self._consumer.poll(timeout_s)
        if first is None:
            return []
        if time.monotonic() - self._read_at < _CLOSELY * gather_s:
            time.sleep(gather_s)
        self._read_at = time.monotonic()
        return with_those_waiting(self._consumer, first, limit)

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()
