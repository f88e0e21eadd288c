"""Operators' words on their way from Postgres into Kafka.

A word is stored in the transaction that it belongs to, and goes out from there: whatever dies in
between, it goes out later, by this process or another. A repeat is the same word by its id.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psycopg
import structlog

from consumers.api.publishing import Publisher
from consumers.store.database import Database
from consumers.store.feedback import mark_sent, record_of, unsent
from consumers.store.idempotent import forget_old_answers
from consumers.sync.publish import feedback_topic
from schemas.errors import Rejected, Retryable

BATCH = 50
LOOK_EVERY_S = 2.0
"""For what another process left behind."""
PAUSE_S = 30.0
"""Of a site whose topic takes nothing, so that it does not hold up the others."""
FORGET_EVERY_S = 3600.0
_LOG = structlog.get_logger("outbox")


class Outbox:
    """Sends what is stored; any number of processes may do so at once."""

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self._database = database
        self._publisher = publisher
        self._woken = asyncio.Event()
        self._paused: dict[str, float] = {}
        self._forget_at_s = 0.0
        self.problem: str | None = None
        """Why words stay where they are; None while all is well."""

    def wake(self) -> None:
        """Look now: something may have been stored."""
        self._woken.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Send in the background meanwhile."""
        task = asyncio.create_task(self._run(), name="outbox")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            try:
                sent = await self.deliver()
                await self._forget()
            except (Retryable, psycopg.Error) as error:
                sent, self.problem = 0, str(error)
                _LOG.warning("cannot look for words", error=self.problem)
            if sent < BATCH:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), LOOK_EVERY_S)

    async def deliver(self) -> int:
        """Send what is waiting, up to ``BATCH`` words; return how many Kafka has acknowledged.

        Raises:
            Retryable: Postgres does not answer; what was sent may be sent again.
        """
        now_s = asyncio.get_running_loop().time()
        self._paused = {site: until for site, until in self._paused.items() if until > now_s}
        sent: list[str] = []
        async with self._database.system() as connection:
            for row in await unsent(connection, BATCH, sorted(self._paused)):
                record = record_of(row)
                topic = feedback_topic(record.site)
                try:
                    await self._publisher.send(topic, record, record.feedback_id)
                except (Retryable, Rejected) as error:
                    _LOG.warning("a word stays", feedback_id=record.feedback_id, error=str(error))
                    self._paused[record.site] = now_s + PAUSE_S
                    self.problem = f"words for site {record.site} stay: {error}"
                    break
                sent.append(record.feedback_id)
            if sent:
                await mark_sent(connection, sent)
        if not self._paused:
            self.problem = None
        return len(sent)

    async def _forget(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._forget_at_s:
            async with self._database.system() as connection:
                await forget_old_answers(connection)
            self._forget_at_s = now_s + FORGET_EVERY_S
