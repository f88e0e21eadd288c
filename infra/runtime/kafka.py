"""Kafka as this system uses it: idempotent writes that are waited for, reads that commit after.

One producer per process; a message is acknowledged upstream only after everything written for it
has been acknowledged by the broker. A record that cannot be processed goes to its dead-letter
topic with the reason in its headers, and the rest goes on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from schemas.codec import encode
from schemas.errors import Backpressure, Fatal, Rejected, Retryable
from schemas.records import Record
from schemas.topics import LARGE_RECORD_BYTES, Topic, dead_letter_topic

Headers = Sequence[tuple[str, bytes]]
CLIENT_LOG = logging.getLogger("librdkafka")
_MESSAGE_BYTES = LARGE_RECORD_BYTES + (1 << 20)


@dataclass(frozen=True, slots=True)
class Message:
    """One message as read: where it stands, and its raw value."""

    topic: str
    partition: int
    offset: int
    key: str | None
    value: bytes | None
    arrived_at: int
    """LogAppendTime, UTC ms."""
    headers: tuple[tuple[str, bytes], ...] = ()


class RecordProducer:
    """An idempotent producer (acks=all, murmur2) whose deliveries can be waited for."""

    def __init__(self, bootstrap: str, client_id: str, *, linger_ms: float = 1) -> None:
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "client.id": client_id,
                "enable.idempotence": True,
                "acks": "all",
                "linger.ms": linger_ms,
                "partitioner": "murmur2_random",
                "message.max.bytes": _MESSAGE_BYTES,
                "queue.buffering.max.kbytes": 256 * 1024,
                "delivery.timeout.ms": 120_000,
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
    ) -> None:
        """Queue one record; its site goes into the header ``site`` too.

        Raises:
            Rejected: the record cannot be encoded.
            Backpressure: the local queue is full; call :meth:`flush`.
        """
        site = getattr(record, "site", None)
        stamped = [*headers, ("site", site.encode())] if site else list(headers)
        self.send_raw(topic, encode(record), key=key, partition=partition, headers=stamped)

    def send_raw(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: str | bytes | None = None,
        partition: int | None = None,
        headers: Headers = (),
    ) -> None:
        """Queue one message value as it is.

        Raises:
            Backpressure: the local queue is full; call :meth:`flush`.
        """
        arguments: dict[str, Any] = {} if partition is None else {"partition": partition}
        try:
            self._producer.produce(
                topic, value, key, headers=list(headers), on_delivery=self._delivered, **arguments
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


class RecordConsumer:
    """A member of a consumer group that commits only what its caller has finished with."""

    def __init__(
        self,
        bootstrap: str,
        group: str,
        topics: Sequence[str],
        *,
        instance: str | None = None,
        from_latest: bool = False,
    ) -> None:
        config: dict[str, Any] = {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "client.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "latest" if from_latest else "earliest",
            "fetch.message.max.bytes": _MESSAGE_BYTES,
            "topic.metadata.refresh.interval.ms": 5000,
            "session.timeout.ms": 10_000,
            "heartbeat.interval.ms": 2000,
            "partition.assignment.strategy": "cooperative-sticky",
            "log.connection.close": False,
        }
        if instance:
            config["group.instance.id"] = instance
        self._consumer = Consumer(config, logger=CLIENT_LOG)
        self._consumer.subscribe(list(topics))

    def read(self, limit: int = 500, timeout_s: float = 0.5) -> list[Message]:
        """Return up to ``limit`` messages, as soon as there are any.

        Raises:
            Fatal: the consumer was fenced off by another with its name, or the topic is not there.
        """
        first = self._consumer.poll(timeout_s)
        if first is None:
            return []
        rest = self._consumer.consume(limit - 1, 0) if limit > 1 else []
        return [to_message(raw) for raw in (first, *rest) if _usable(raw)]

    def commit(
        self, messages: Iterable[Message], notes: Mapping[tuple[str, int], str] | None = None
    ) -> None:
        """Commit everything up to these messages.

        ``notes`` holds a short text (at most 4,096 bytes) for a topic and partition, kept by the
        broker with the commit; :meth:`note` gives it back to whoever reads the partition next.

        Raises:
            Retryable: the commit failed; the messages will come again.
        """
        ends: dict[tuple[str, int], int] = {}
        for message in messages:
            place = (message.topic, message.partition)
            ends[place] = max(ends.get(place, 0), message.offset + 1)
        if not ends:
            return
        texts = notes or {}
        offsets = [TopicPartition(*place, end, texts.get(place, "")) for place, end in ends.items()]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            raise Retryable(f"the commit failed: {error}") from error

    def note(self, topic: str, partition: int) -> str:
        """Return the text of a partition's last commit; empty if there is none.

        Raises:
            Retryable: the broker does not answer.
        """
        try:
            (place,) = self._consumer.committed([TopicPartition(topic, partition)], timeout=10)
        except KafkaException as error:
            raise Retryable(f"the last commit of {topic} is not known: {error}") from error
        return place.metadata or ""

    def seek(self, message: Message) -> None:
        """Read again from this message on.

        Raises:
            Fatal: the partition cannot be read from there; going on would leave a gap.
        """
        try:
            self._consumer.seek(TopicPartition(message.topic, message.partition, message.offset))
        except KafkaException as error:
            raise Fatal(
                f"{message.topic}/{message.partition} cannot be read again from "
                f"{message.offset}: {error}; start this process again"
            ) from error

    def pause(self) -> None:
        """Stop fetching; :meth:`read` goes on keeping the place in the group."""
        self._consumer.pause(self._consumer.assignment())

    def resume(self) -> None:
        """Fetch again after :meth:`pause`."""
        self._consumer.resume(self._consumer.assignment())

    def assigned(self) -> set[tuple[str, int]]:
        """Return the (topic, partition) pairs that this member reads now."""
        return {(place.topic, place.partition) for place in self._consumer.assignment()}

    def lag(self) -> int:
        """Return how many messages of the assigned partitions wait to be read."""
        waiting = 0
        for place in self._consumer.position(self._consumer.assignment()):
            low, high = self._consumer.get_watermark_offsets(place, cached=True)
            waiting += max(0, high - max(place.offset, low))
        return waiting

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()


def read_all(bootstrap: str, topic: str, partitions: Iterable[int] | None = None) -> list[Message]:
    """Return everything in a topic (or some partitions of it) up to its present end, in order."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"read-all-{topic}",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "fetch.message.max.bytes": _MESSAGE_BYTES,
            "log.connection.close": False,
        },
        logger=CLIENT_LOG,
    )
    try:
        if partitions is None:
            described = consumer.list_topics(topic, timeout=10).topics[topic]
            partitions = list(described.partitions)
        places = [TopicPartition(topic, partition, 0) for partition in partitions]
        ends: dict[int, int] = {}
        for place in places:
            place.offset, end = consumer.get_watermark_offsets(place, timeout=10)
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
            elif _usable(raw):
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


def read_at(bootstrap: str, topic: str, partition: int, offsets: Iterable[int]) -> list[Message]:
    """Return single messages of a partition, in order; those no longer kept are left out.

    Raises:
        Retryable: the broker does not answer.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"read-at-{topic}",
            "enable.auto.commit": False,
            "allow.auto.create.topics": False,
            # A fetch brings the batch that holds the message, and nothing after it.
            "fetch.message.max.bytes": 1,
            "log.connection.close": False,
        },
        logger=CLIENT_LOG,
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
            if _usable(raw) and raw.offset() == offset:
                messages.append(to_message(raw))
        return messages
    except KafkaException as error:
        raise Retryable(f"{topic} cannot be read: {no_answer(bootstrap, error)}") from error
    finally:
        consumer.close()


def create_topics(bootstrap: str, topics: Iterable[Topic], timeout_s: float = 30) -> None:
    """Create the topics that are missing and set the catalogue's settings on those that exist.

    Raises:
        Fatal: the broker is not there, or refuses a topic.
    """
    admin = AdminClient(
        {"bootstrap.servers": bootstrap, "log.connection.close": False}, logger=CLIENT_LOG
    )
    wanted = {topic.name: topic for topic in topics}
    try:
        present = admin.list_topics(timeout=timeout_s).topics
    except KafkaException as error:
        raise Fatal(no_answer(bootstrap, error)) from error
    missing = [
        NewTopic(t.name, num_partitions=t.partitions, replication_factor=-1, config=t.config())
        for name, t in wanted.items()
        if name not in present
    ]
    if missing:
        _wait_for(admin.create_topics(missing, operation_timeout=timeout_s), TOPIC_EXISTS)
    settled = [
        ConfigResource(
            ResourceType.TOPIC,
            name,
            incremental_configs=[
                ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
                for key, value in topic.config().items()
            ],
        )
        for name, topic in wanted.items()
        if name in present
    ]
    if settled:
        _wait_for(admin.incremental_alter_configs(settled))


TOPIC_EXISTS = KafkaError.TOPIC_ALREADY_EXISTS


def _wait_for(futures: dict[Any, Any], *harmless: int) -> None:
    for what, future in futures.items():
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() not in harmless:
                raise Fatal(f"Kafka refuses {what}: {error}") from error


def no_answer(bootstrap: str, error: KafkaException) -> str:
    """Say that Kafka does not answer at an address, why, and what to do."""
    cause = error.args[0] if error.args else error
    why = cause.str() if isinstance(cause, KafkaError) else str(cause)
    return (
        f"Kafka does not answer at {bootstrap} ({why}): see `sightline status`, or correct the "
        "address in SIGHTLINE_EDGE_KAFKA or SIGHTLINE_CLOUD_KAFKA"
    )


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


def _usable(raw: Any) -> bool:
    error = raw.error()
    if error is None:
        return True
    if error.fatal():
        raise Fatal(f"the Kafka client gave up: {error.str()}; start this process again")
    if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
        raise Fatal(f"{error.str()}: create the topics first with `sightline topics create`")
    return False


def to_message(raw: Any) -> Message:
    """Return what a client handed over, which must not be an error, as our own type."""
    key = raw.key()
    return Message(
        topic=raw.topic(),
        partition=raw.partition(),
        offset=raw.offset(),
        key=key.decode("utf-8", "replace") if key is not None else None,
        value=raw.value(),
        arrived_at=raw.timestamp()[1],
        headers=tuple(raw.headers() or ()),
    )
