"""Messages of the followed topics as typed records."""

from __future__ import annotations

from dataclasses import dataclass

from consumers.realtime.kinds import BY_TOPIC, SOURCES, Followed, Kind
from infra.runtime.kafka import Message
from schemas.codec import decode_as
from schemas.errors import Rejected


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message: where it stands, and its record; None where it holds none."""

    kind: Kind
    partition: int
    offset: int
    arrived_at: int
    """In Kafka, UTC ms."""
    record: Followed | None


def arrival(message: Message) -> Arrival:
    """Decode a message. One that is damaged is passed over: its sink has refused it for all."""
    kind = BY_TOPIC[message.topic]
    record: Followed | None
    try:
        record = decode_as(SOURCES[kind].record, message.value)
    except Rejected:
        record = None
    return Arrival(kind, message.partition, message.offset, message.arrived_at, record)
