"""Idempotent writes that are waited for, and the dead letters."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from infra.runtime.kafka.message import CLIENT_LOG, MESSAGE_BYTES, Headers, Message
from schemas.codec import encode
from schemas.errors import Backpressure, Rejected, Retryable
from schemas.records import Record
from schemas.topics import dead_letter_topic

Told = Callable[[KafkaError | None], None]
"""Hears how a delivery failed, or None once the broker has acknowledged it."""


class RecordProducer:
    """An idempotent producer (acks=all, murmur2) whose deliveries can be waited for."""

    def __init__(
        self,
        bootstrap: str,
        client_id: str,
        *,
        linger_ms: float = 1,
        tells_success: bool = False,
    ) -> None:
        """Connect to nothing yet; with ``tells_success``, ``told`` hears of what arrived too.

        Most wait for :meth:`flush`; then a report of each delivery would cost much and say nothing.
        """
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "client.id": client_id,
                "enable.idempotence": True,
                "acks": "all",
                "linger.ms": linger_ms,
                "partitioner": "murmur2_random",
                "message.max.bytes": MESSAGE_BYTES,
                "queue.buffering.max.kbytes": 256 * 1024,
                "delivery.timeout.ms": 120_000,
                "delivery.report.only.error": not tells_success,
                "log.connection.close": False,
            },
            logger=CLIENT_LOG,
        )
        self._lock = threading.Lock()
        self._failures: list[str] = []

    def send(
        self,
        topic: str,
        record: Record,
        *,
        key: str | None = None,
        partition: int | None = None,
        headers: Headers = (),
        told: Told | None = None,
    ) -> None:
        """Queue one record; its site goes into the header ``site`` too.

        ``told`` hears what became of this record, in :meth:`poll` or :meth:`flush`, which then do
        not tell of it; of a success only where the producer ``tells_success``.

        Raises:
            Rejected: the record cannot be encoded.
            Backpressure: the local queue is full; call :meth:`flush`.
        """
        site = getattr(record, "site", None)
        stamped = [*headers, ("site", site.encode())] if site else list(headers)
        value = encode(record)
        self.send_raw(topic, value, key=key, partition=partition, headers=stamped, told=told)

    def send_raw(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: str | bytes | None = None,
        partition: int | None = None,
        headers: Headers = (),
        told: Told | None = None,
    ) -> None:
        """Queue one message value as it is; ``told`` as in :meth:`send`.

        Raises:
            Backpressure: the local queue is full; call :meth:`flush`.
        """
        arguments: dict[str, Any] = {} if partition is None else {"partition": partition}
        delivered = self._delivered if told is None else lambda error, _: told(error)
        try:
            self._producer.produce(
                topic, value, key, headers=list(headers), on_delivery=delivered, **arguments
            )
        except BufferError as error:
            raise Backpressure(f"the queue to {topic} is full", retry_after_s=0.05) from error
        except KafkaException as error:
            raise Rejected(f"{topic} refused a record: {error}", reason="refused") from error

    def poll(self) -> int:
        """Serve delivery reports without waiting; return how many messages are still on the way."""
        self._producer.poll(0)
        return len(self._producer)

    def flush(self, timeout_s: float = 150) -> None:
        """Wait until the broker has acknowledged everything sent.

        Raises:
            Retryable: a delivery failed or time ran out: nothing may be acknowledged upstream.
        """
        left = self._producer.flush(timeout_s)
        failures = self.failures()
        if failures:
            raise Retryable(f"{len(failures)} records were not delivered: {failures[0]}")
        if left:
            raise Retryable(f"{left} records are not acknowledged after {timeout_s:g} s")

    def failures(self) -> list[str]:
        """Return what could not be delivered since the last call, for those who do not wait."""
        with self._lock:
            failures, self._failures = self._failures, []
        return failures

    def _delivered(self, error: KafkaError | None, message: Any) -> None:
        if error is not None:
            with self._lock:
                self._failures.append(f"{message.topic()}: {error.str()}")


def send_to_dead_letters(producer: RecordProducer, message: Message, error: Rejected) -> None:
    """Put a message that cannot be processed into its dead-letter topic, with the reason."""
    headers = [
        *message.headers,
        ("error", str(error).encode()),
        ("reason", error.reason.encode()),
        ("source-topic", message.topic.encode()),
        ("source-partition", str(message.partition).encode()),
        ("source-offset", str(message.offset).encode()),
    ]
    send_patiently(
        producer, dead_letter_topic(message.topic), message.value, key=message.key, headers=headers
    )


def send_patiently(
    producer: RecordProducer,
    topic: str,
    value: bytes | None,
    *,
    key: str | None = None,
    headers: Headers = (),
) -> None:
    """Queue a message value, waiting while the local queue is full."""
    while True:
        try:
            producer.send_raw(topic, value, key=key, headers=headers)
            return
        except Backpressure as full:
            producer.poll()
            time.sleep(full.retry_after_s)
