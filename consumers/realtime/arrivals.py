"""Messages of the followed topics as typed records."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter

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


def in_order(arrivals: Iterable[Arrival]) -> list[Arrival]:
    """Return arrivals in the order of their times, each partition's in its own order."""
    partitions: defaultdict[tuple[Kind, int], list[Arrival]] = defaultdict(list)
    for one in arrivals:
        partitions[one.kind, one.partition].append(one)
    return list(heapq.merge(*partitions.values(), key=attrgetter("arrived_at")))


def arrival(message: Message) -> Arrival:
    """Decode a message. One that is damaged is passed over: its sink has refused it for all."""
    kind = BY_TOPIC[message.topic]
    record: Followed | None
    try:
        record = decode_as(SOURCES[kind].record, message.value)
    except Rejected:
        record = None
    return Arrival(kind, message.partition, message.offset, message.arrived_at, record)
