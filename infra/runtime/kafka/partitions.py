"""Reading partitions that somebody else hands out."""

from __future__ import annotations

import time
from collections.abc import Mapping

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition

from infra.runtime.kafka.message import (
    CLIENT_LOG,
    MESSAGE_BYTES,
    Message,
    is_usable,
    no_answer,
    to_message,
)
from schemas.errors import Retryable

_BUFFER_KIB = 16 << 10
"""Fetched and not read yet, of all partitions."""
_FULL_BUFFER_WAIT_MS = 20


class PartitionReader:
    """Reads the partitions it is placed at, and belongs to no group. For one thread."""

    def __init__(self, bootstrap: str, name: str) -> None:
        self._bootstrap = bootstrap
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                # The client wants one; nothing is committed under it.
                "group.id": name,
                "client.id": name,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "fetch.message.max.bytes": MESSAGE_BYTES,
                "queued.max.messages.kbytes": _BUFFER_KIB,
                "fetch.queue.backoff.ms": _FULL_BUFFER_WAIT_MS,
                "log.connection.close": False,
            },
            logger=CLIENT_LOG,
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
        """Wait for a message, then so long for others; return up to ``limit`` of them.

        Raises:
            Fatal: the topic is not there, or the client gave up.
        """
        first = self._consumer.poll(timeout_s)
        if first is None:
            return []
        time.sleep(gather_s)
        rest = self._consumer.consume(limit - 1, 0) if limit > 1 else []
        return [to_message(raw) for raw in (first, *rest) if is_usable(raw)]

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()
