"""The wiring of realtime in one process: Kafka read once, handed to all clients."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Self
from uuid import UUID

import psycopg
import structlog

from consumers.access.authenticate import Reference, still_valid
from consumers.access.principal import Principal
from consumers.access.sealing import Sealer
from consumers.realtime import metrics
from consumers.realtime.admission import Guests, Limits
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
CLOSING_RETRY_S = 1.0
_TICK_S = 1.0
UNKNOWN_POSITION = "unknown-position"


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
        self._guests = Guests()
        self._slots = asyncio.Semaphore(self.limits.catching_up)
        self._position: Positions = {}
        self._start: Positions = {}
        self._ends: Positions = {}
        self._ready = asyncio.Event()
        self._closing = False
        self._failed: str | None = None
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
            if self._closing:
                raise Backpressure("this server is restarting", retry_after_s=CLOSING_RETRY_S)
            stack.enter_context(self._guests.admitted(principal, self.limits))
            await self._started()
            session = Session(self, form, reference, principal, selection)
            self._sessions.add(session)
            stack.push_async_callback(self._leave, session)
            since = self._since(resume) if resume is not None else None
            lost = resume is not None and since is None
            session.begin(since, UNKNOWN_POSITION if lost else None)
            yield session

    @property
    def problem(self) -> str | None:
        """What is wrong; None when all is well, or nobody has followed yet."""
        if self._failed is not None:
            return self._failed
        if self._tail is not None and not self._ready.is_set():
            return f"Kafka at {self._bootstrap} is not read: see `sightline status`"
        return None

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

    async def _started(self) -> None:
        if self._tail is None:
            await self._owners.refresh()
        if self._tail is None:
            self._tail = TailThread(self._bootstrap, self)
            self._tail.start()
            for work in (self._owners.keep_fresh(), self._recheck(), self._tick()):
                task = asyncio.create_task(work)
                task.add_done_callback(self._ended)
                self._tasks.append(task)
        try:
            await asyncio.wait_for(self._ready.wait(), START_S)
        except TimeoutError:
            raise Retryable(f"Kafka at {self._bootstrap} does not answer") from None

    def _ended(self, task: asyncio.Task[None]) -> None:
        # Without them permissions are no longer looked after: better nobody is told anything.
        if not task.cancelled() and (error := task.exception()) is not None:
            LOG.error("streams have ended", exc_info=error)
            self._failed = f"streams have ended: {error}; start this process again"
            self.close()

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
            except (Retryable, psycopg.Error) as error:
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
