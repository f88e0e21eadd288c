"""From the cloud's ``up.events`` to deliveries: read a batch, store what it means, commit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from consumers.notify.metrics import PLANNED
from consumers.notify.planning import Plan, now_at, plan
from consumers.store.database import Database
from infra.runtime.kafka import Message, RecordConsumer, RecordProducer, send_to_dead_letters
from infra.runtime.metrics import DEAD_LETTERS, LAG, RECORDS_IN
from infra.runtime.service import Service
from schemas.codec import decode_as
from schemas.errors import Rejected, Retryable
from schemas.records import Event

TOPIC = "up.events"
GROUP = "sightline.notify"
BATCH = 500
RETRY_FIRST_S, RETRY_LAST_S = 0.5, 30.0
LAG_EVERY_S = 5.0
LAST_AT = 7_258_118_400_000
"""The beginning of the year 2200, UTC ms."""


class Reader:
    """A member of the group; what it has read is stored before it is committed."""

    def __init__(
        self, service: Service, database: Database, poke: Callable[[Iterable[UUID]], None]
    ) -> None:
        bootstrap = service.settings.need("cloud_kafka")
        self._log = service.log
        self._database = database
        self._poke = poke
        self._stopping = service.stopping
        self._producer = RecordProducer(bootstrap, GROUP)
        self._consumer = RecordConsumer(
            bootstrap, GROUP, [TOPIC], instance=f"{GROUP}-{service.settings.worker}"
        )
        self._lag_at_s = 0.0
        self.problem: str | None = None

    async def run(self) -> None:
        """Read until the service stops.

        Raises:
            Fatal: the Kafka client gave up.
        """
        try:
            while not self._stopping.is_set():
                messages = await asyncio.to_thread(self._read)
                if messages:
                    await self._take(messages)
        finally:
            await asyncio.to_thread(self._consumer.close)

    def _read(self) -> list[Message]:
        messages = self._consumer.read(limit=BATCH, timeout_s=0.2)
        if time.monotonic() - self._lag_at_s >= LAG_EVERY_S:
            self._lag_at_s = time.monotonic()
            LAG.labels(TOPIC).set(self._consumer.lag() + len(messages))
        return messages

    async def _take(self, messages: list[Message]) -> None:
        """Store what the messages mean, however long that takes, then commit them."""
        tries = 0
        while not self._stopping.is_set():
            try:
                planned = await self._store(messages)
                await asyncio.to_thread(self._consumer.commit, messages)
            except Retryable as error:
                if self.problem is None:
                    self._log.warning("events wait to be planned", error=str(error))
                self.problem = str(error)
                wait_s = min(RETRY_LAST_S, RETRY_FIRST_S * 2.0 ** min(tries, 10))
                tries += 1
                messages += await self._keep_place(wait_s)
                continue
            if self.problem is not None:
                self._log.info("plans again")
                self.problem = None
                await asyncio.to_thread(self._consumer.resume)
            RECORDS_IN.labels(TOPIC).inc(len(messages))
            for status, number in planned.statuses.items():
                PLANNED.labels(status).inc(number)
            self._poke(planned.urgent)
            return

    async def _store(self, messages: Sequence[Message]) -> Plan:
        events = await asyncio.to_thread(self._decode, messages)
        async with self._database.system() as connection:
            return await plan(connection, events, now_at())

    def _decode(self, messages: Sequence[Message]) -> list[Event]:
        events: list[Event] = []
        refused = False
        for message in messages:
            try:
                events.append(sound(decode_as(Event, message.value)))
            except Rejected as error:
                # Told to the dead letters again where the batch comes again; better twice than never.
                self._log.warning("an event was refused", reason=error.reason, error=str(error))
                send_to_dead_letters(self._producer, message, error)
                DEAD_LETTERS.labels(TOPIC, error.reason).inc()
                refused = True
        if refused:
            self._producer.flush()
        return events

    async def _keep_place(self, wait_s: float) -> list[Message]:
        """Wait without losing the place in the group; partitions that come meanwhile are read."""
        found: list[Message] = []
        until_s = time.monotonic() + wait_s
        while time.monotonic() < until_s and not self._stopping.is_set():
            await asyncio.to_thread(self._consumer.pause)
            found += await asyncio.to_thread(self._consumer.read, BATCH, 0.2)
        return found


def sound(event: Event) -> Event:
    """Return an event whose times are times, as schedules and Postgres can take them.

    Raises:
        Rejected: one is not between 1970 and 2200.
    """
    times = (event.at, event.opened_at, event.closed_at or event.at)
    if not all(0 <= at < LAST_AT for at in times):
        raise Rejected(f"event {event.event_id[:80]} has a time that is none", reason="bad-time")
    return event
