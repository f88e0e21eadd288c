"""A message as it is read, and what the client says when there is none."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException

from schemas.errors import Fatal
from schemas.topics import LARGE_RECORD_BYTES

Headers = Sequence[tuple[str, bytes]]
CLIENT_LOG = logging.getLogger("librdkafka")
MESSAGE_BYTES = LARGE_RECORD_BYTES + (1 << 20)


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


def with_those_waiting(consumer: Consumer, first: Any, limit: int) -> list[Message]:
    """Return what a client handed over first, and what it can hand over at once, as our own type.

    Raises:
        Fatal: the topic is not there, or the client cannot go on.
    """
    rest = consumer.consume(limit - 1, 0) if limit > 1 else []
    return [to_message(raw) for raw in (first, *rest) if is_usable(raw)]


def is_usable(raw: Any) -> bool:
    """Tell whether the client handed over a message; Fatal where it cannot go on."""
    error = raw.error()
    if error is None:
        return True
    insist_it_goes_on(error)
    if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
        raise Fatal(f"{error.str()}: create the topics first with `sightline topics create`")
    return False


def insist_it_goes_on(error: KafkaError) -> None:
    """Raise Fatal where the client has given up for good and will hand over nothing any more."""
    # The client calls this error fatal by its code alone, not by its flag.
    if not error.fatal() and error.code() not in (KafkaError._FATAL, KafkaError.FENCED_INSTANCE_ID):
        return
    raise Fatal(
        f"the Kafka client gave up ({error.str()}): start this process again. Where it was fenced "
        "off by another of its name, two run with one SIGHTLINE_WORKER: give each its own"
    )


def no_answer(bootstrap: str, error: KafkaException) -> str:
    """Say that Kafka does not answer at an address, why, and what to do."""
    cause = error.args[0] if error.args else error
    why = cause.str() if isinstance(cause, KafkaError) else str(cause)
    return (
        f"Kafka does not answer at {bootstrap} ({why}): see `sightline status`, or correct the "
        "address in SIGHTLINE_EDGE_KAFKA or SIGHTLINE_CLOUD_KAFKA"
    )
