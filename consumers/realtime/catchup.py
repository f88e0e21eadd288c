"""Reading back from Kafka beside the event loop, for one client, no faster than it takes."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

import structlog

from consumers.realtime.arrivals import Arrival, arrival
from consumers.realtime.log import Entry
from consumers.realtime.positions import Positions, joined, passed
from consumers.realtime.replay import Replay
from schemas.errors import Retryable

BATCH = 256
_AHEAD = 2
_PATIENCE_S = 2.0
_RETRY_S = 2.0
LOG = structlog.get_logger("realtime")


@dataclass(frozen=True, slots=True)
class Missed:
    """Some of what was missed, and the position behind it."""

    entries: list[Entry]
    position: Positions
    last: bool = False


@dataclass(frozen=True, slots=True)
class Gone:
    """What was missed is no longer kept."""


class Catchup:
    """Everything of ``[since, until)``."""

    def __init__(
        self, bootstrap: str, since: Positions, until: Positions, slots: asyncio.Semaphore
    ) -> None:
        """Begin; ``slots`` bounds how many read at once."""
        self.position = since
        """Everything below has been taken."""
        self._bootstrap = bootstrap
        self._until = until
        self._slots = slots
        self._read_to = since
        self._found: asyncio.Queue[Missed | Gone] = asyncio.Queue(_AHEAD)
        self._task = asyncio.create_task(self._read())

    async def take(self, wait_s: float) -> Missed | Gone | None:
        """Return what comes next; None if there is nothing so soon."""
        try:
            found = await asyncio.wait_for(self._found.get(), wait_s)
        except TimeoutError:
            return None
        if isinstance(found, Missed):
            self.position = found.position
        return found

    async def stop(self) -> None:
        """Stop reading."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _read(self) -> None:
        while True:
            try:
                async with self._slots:
                    held = await self._read_some()
            except Retryable as error:
                LOG.warning("a client cannot catch up", error=str(error))
                await asyncio.sleep(_RETRY_S)
                continue
            # Somebody faster has the slot meanwhile.
            await self._found.put(held)
            if isinstance(held, Gone) or held.last:
                return

    async def _read_some(self) -> Missed | Gone:
        """Hand over what is read; return what the client is too slow for, or the last of it."""
        replay = await asyncio.to_thread(Replay, self._bootstrap, self._read_to, self._until)
        try:
            if not replay.complete:
                return Gone()
            while True:
                found = self._missed(await asyncio.to_thread(_next, replay))
                if found.last:
                    return found
                try:
                    await asyncio.wait_for(self._found.put(found), _PATIENCE_S)
                except TimeoutError:
                    return found
        finally:
            await asyncio.shield(asyncio.to_thread(replay.close))

    def _missed(self, arrivals: list[Arrival]) -> Missed:
        entries = []
        for one in arrivals:
            self._read_to = passed(self._read_to, one.kind, one.partition, one.offset)
            if one.record is not None:
                entries.append(
                    Entry(one.kind, one.record, one.partition, one.offset, self._read_to)
                )
        if not arrivals:
            self._read_to = joined(self._until, self._read_to)
        return Missed(entries, self._read_to, last=not arrivals)


def _next(replay: Replay) -> list[Arrival]:
    return [arrival(message) for message in replay.read(BATCH)]
