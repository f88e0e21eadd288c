"""The wiring of realtime in one process: Kafka read once, handed to all clients."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

import structlog

from consumers.access.authenticate import Reference, still_valid
from consumers.access.principal import Principal
from consumers.access.sealing import Sealer
from consumers.realtime import metrics
from consumers.realtime.arrivals import Arrival
from consumers.realtime.catchup import Catchup
from consumers.realtime.feed import Feed
from consumers.realtime.frames import F, Form
from consumers.realtime.kinds import Kind
from consumers.realtime.log import Entry
from consumers.realtime.outbox import Outbox
from consumers.realtime.owners import Owners
from consumers.realtime.positions import Positions, Tokens, complete, covers, passed
from consumers.realtime.selection import Selection
from consumers.realtime.session import RESTARTING, TRY_AGAIN, Session
from consumers.realtime.tail import TailThread
from consumers.store.database import Database
from schemas.errors import Backpressure, Retryable

LOG = structlog.get_logger("realtime")
START_S = 10.0
FULL_RETRY_S = 10.0
_TICK_S = 1.0
UNKNOWN_POSITION = "unknown-position"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one process takes on."""

    clients: int = 2000
    clients_of_one: int = 50
    """Of one user or key."""
    entries: int = 32_768
    """Kept in memory, of all organisations together."""
    entries_of_one: int = 4096
    """Of one organisation: how far a client may fall behind, or go back without Kafka."""
    catching_up: int = 4
    """Clients for whom Kafka is read back at once."""
    recheck_s: float = 3.0
    """Between two looks at whether the clients still may."""
    doubt_s: float = 60.0
    """Without an answer of Postgres for so long nobody is told anything any more."""
    stuck_s: float = 30.0
    """A client that takes nothing for so long is let go."""


class Hub:
    """All clients of one process; use it within ``async with``. Reading begins with the first."""

    tokens: Tokens

    def __init__(
        self, bootstrap: str, database: Database, secret_key: str, limits: Limits | None = None
    ) -> None:
        """Connect to nothing yet.

        Raises:
            Fatal: the secret is too short to protect anything.
        """
        self.limits = limits or Limits()
        self._bootstrap = bootstrap
        self._database = database
        self._sealer = Sealer(secret_key)
        self._owners = Owners(database, self._moved)
        self._feeds: dict[UUID, Feed] = {}
        self._held = 0
        """Entries, of all feeds."""
        self._sessions: set[Session[Any]] = set()
        self._of_one: Counter[UUID] = Counter()
        self._slots = asyncio.Semaphore(self.limits.catching_up)
        self._position: Positions = {}
        self._start: Positions = {}
        self._ends: Positions = {}
        self._ready = asyncio.Event()
        self._closing = False
        self._tail: TailThread | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._tail is not None:
            await self._tail.stop()

    def close(self) -> None:
        """Ask all clients to connect again, to another process, and take on no more."""
        self._closing = True
        for session in self._sessions:
            session.close(RESTARTING, "this server is restarting: connect again, and resume")

    @asynccontextmanager
    async def following(
        self,
        form: Form[F],
        reference: Reference,
        principal: Principal,
        selection: Selection,
        resume: str | None,
    ) -> AsyncIterator[Session[F]]:
        """Yield the stream of a new client; it ends with the block.

        Raises:
            Backpressure: there are too many clients.
            Retryable: Kafka or Postgres do not answer.
        """
        async with AsyncExitStack() as stack:
            self._admit(principal)
            stack.callback(self._dismiss, principal)
            await self._started()
            session = Session(self, form, reference, principal, selection)
            self._sessions.add(session)
            stack.push_async_callback(self._leave, session)
            since = self._since(resume) if resume is not None else None
            lost = resume is not None and since is None
            session.begin(since, UNKNOWN_POSITION if lost else None)
            yield session

    @property
    def position(self) -> Positions:
        """Where the process stands in Kafka."""
        return self._position

    def owner(self, site: str) -> UUID | None:
        """Return the organisation that owns a site."""
        return self._owners.of(site)

    def join(self, session: Session[F], since: Positions) -> bool:
        """Let a session read its organisation's log, if that reaches back so far."""
        feed = self._feed(session.principal.organisation_id)
        if not covers(since, feed.log.floor):
            return False
        new = covers(since, self._position)
        at = feed.log.end if new else feed.log.first
        # Another process may have told the client more than this one has read.
        level = new and covers(self._position, since)
        session.outbox = Outbox(feed.log, session.wants, at, since, seen=not level)
        feed.readers.add(session)
        return True

    def catchup(self, since: Positions) -> Catchup:
        """Begin to read back from Kafka."""
        metrics.CATCHING_UP.inc()
        return Catchup(self._bootstrap, since, self._position, self._slots)

    def begin(self, topic_ids: dict[Kind, str], start: Positions, ends: Positions) -> None:
        """Hear where reading begins, for the first time or anew."""
        for session in self._sessions:
            session.close(RESTARTING, "events are read anew: connect again, and resume")
        self._feeds.clear()
        self._held = 0
        self.tokens = Tokens(self._sealer, topic_ids)
        self._position = self._start = start
        self._ends = ends
        self._ready.clear()
        self.take([])

    def take(self, arrivals: Sequence[Arrival]) -> None:
        """Hand messages to everybody who wants them."""
        for one in arrivals:
            before = self._position
            self._position = passed(before, one.kind, one.partition, one.offset)
            owner = self._owners.of(one.record.site) if one.record is not None else None
            if one.record is None or owner is None:
                continue
            entry = Entry(one.kind, one.record, one.partition, one.offset, self._position)
            self._append(self._feed(owner), entry, before)
            if self._ready.is_set():
                metrics.DELAY.observe(max(0.0, time.time() - one.arrived_at / 1000))
        metrics.ENTRIES.set(self._held)
        if not self._ready.is_set() and covers(self._position, self._ends):
            self._ready.set()

    def _append(self, feed: Feed, entry: Entry, before: Positions) -> None:
        if feed.append(entry, before):
            return
        self._held += 1
        if self._held > self.limits.entries:
            max(self._feeds.values(), key=lambda feed: feed.log.end - feed.log.first).drop()
            self._held -= 1

    def _feed(self, organisation: UUID) -> Feed:
        if organisation not in self._feeds:
            self._feeds[organisation] = Feed(self._start, self.limits.entries_of_one)
        return self._feeds[organisation]

    def _moved(self, organisations: frozenset[UUID]) -> None:
        # What a site sent before it changed hands stands in another log, or in none.
        for organisation in organisations:
            self._feed(organisation).log.floor = self._position

    def _since(self, token: str) -> Positions | None:
        found = self.tokens.read(token)
        return complete(found, self._position) if found is not None else None

    def _admit(self, principal: Principal) -> None:
        if self._closing:
            raise Backpressure("this server is restarting", retry_after_s=1)
        reasons = {
            "process": self._of_one.total() >= self.limits.clients,
            "principal": self._of_one[principal.subject_id] >= self.limits.clients_of_one,
        }
        for reason, full in reasons.items():
            if full:
                metrics.REFUSED.labels(reason).inc()
                raise Backpressure(f"too many clients: {reason}", retry_after_s=FULL_RETRY_S)
        self._of_one[principal.subject_id] += 1
        metrics.CLIENTS.set(self._of_one.total())

    def _dismiss(self, principal: Principal) -> None:
        self._of_one[principal.subject_id] -= 1
        if not self._of_one[principal.subject_id]:
            del self._of_one[principal.subject_id]
        metrics.CLIENTS.set(self._of_one.total())

    async def _started(self) -> None:
        if self._tail is None:
            await self._owners.refresh()
        if self._tail is None:
            self._tail = TailThread(self._bootstrap, self)
            self._tail.start()
            self._tasks = [
                asyncio.create_task(work)
                for work in (self._owners.keep_fresh(), self._recheck(), self._tick())
            ]
        try:
            await asyncio.wait_for(self._ready.wait(), START_S)
        except TimeoutError:
            raise Retryable(f"Kafka at {self._bootstrap} does not answer") from None

    async def _leave(self, session: Session[F]) -> None:
        self._sessions.discard(session)
        self._feed(session.principal.organisation_id).readers.discard(session)
        await session.leave()

    async def _recheck(self) -> None:
        answered_s = time.monotonic()
        while True:
            await asyncio.sleep(self.limits.recheck_s)
            asked = list(self._sessions)
            try:
                valid = await still_valid(self._database, {one.reference for one in asked})
            except Retryable as error:
                LOG.warning("whether clients still may is not known", error=str(error))
                doubt_s = max(time.monotonic() - answered_s, self._owners.age_s)
                if doubt_s > self.limits.doubt_s:
                    for session in asked:
                        session.close(TRY_AGAIN, "permissions cannot be checked: connect again")
                continue
            answered_s = time.monotonic()
            for session in asked:
                session.renew(valid.get(session.reference))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            now_s = asyncio.get_running_loop().time()
            for session in self._sessions:
                session.tick(now_s, self.limits.stuck_s)
