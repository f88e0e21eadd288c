"""One client's stream: what it is sent next, whatever carries it there."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, Protocol, cast
from uuid import UUID

import orjson

from consumers.access.authenticate import Reference
from consumers.access.principal import Principal
from consumers.realtime import metrics
from consumers.realtime.bodies import body
from consumers.realtime.catchup import Catchup, Gone
from consumers.realtime.frames import F, Fields, Form
from consumers.realtime.kinds import SOURCES
from consumers.realtime.log import Entry
from consumers.realtime.outbox import Lagged, Outbox, Told
from consumers.realtime.positions import Positions, Tokens
from consumers.realtime.selection import Selection

HEARTBEAT_S = 15.0
AT_ONCE = 64
"""Entries between two looks at whether the client may still have them."""
TOO_OLD = "too-old"
_ANSWERS = 32
_LOOK_S = 1.0

RESTARTING, TRY_AGAIN = 1012, 1013
UNAUTHENTICATED, FORBIDDEN = 4401, 4403


class Closed(Exception):
    """The stream has ended: a close code of WebSocket, and why."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class House(Protocol):
    """What a session asks of its hub."""

    tokens: Tokens

    @property
    def position(self) -> Positions:
        """Where the process stands in Kafka."""
        ...

    def owner(self, site: str) -> UUID | None:
        """The organisation that owns a site."""
        ...

    def join(self, session: Session[F], since: Positions) -> bool:
        """Let the session read its organisation's log, if that reaches back so far."""
        ...

    def catchup(self, since: Positions) -> Catchup:
        """Begin to read back from Kafka."""
        ...


class Session(Generic[F]):
    """The stream of one client; its frames are taken by one task."""

    outbox: Outbox

    def __init__(
        self,
        house: House,
        form: Form[F],
        reference: Reference,
        principal: Principal,
        selection: Selection,
    ) -> None:
        self.reference = reference
        self.principal = principal
        self.selection = selection
        self.sending: asyncio.Task[None] | None = None
        """The task that takes the frames and sends them; ended where the client takes nothing."""
        self._away_since_s: float | None = None
        self._house = house
        self._form: Form[F] = form
        self._closed: Closed | None = None
        self._answers: deque[F] = deque()
        self._news = asyncio.Event()
        self._catchup: Catchup | None = None
        self._beat_at_s = 0.0

    def begin(self, since: Positions | None, reset: str | None) -> None:
        """Start behind a position, or with what happens from now on.

        ``reset`` says why the position that the client asked for is of no use.
        """
        start = self._house.position if since is None else since
        if reset is not None:
            self._answers.append(self._write("reset", start, {"reason": reset}))
        self._answers.append(self._ready(start))
        self._arrive(start)

    def select(self, selection: Selection) -> None:
        """Change what the client wants from here on."""
        self.selection = selection
        self.answer(self._ready(self._place()))

    def say(self, kind: str, fields: Fields) -> None:
        """Answer a message of the client; one who asks faster than it listens is not answered."""
        self.answer(self._form.write(kind, None, fields))

    def answer(self, frame: F) -> None:
        """Send a frame before anything else."""
        if len(self._answers) < _ANSWERS:
            self._answers.append(frame)
            self.wake()

    def renew(self, principal: Principal | None) -> None:
        """Go on as whoever the client is found to be now, or end."""
        if principal is None or principal.organisation_id != self.principal.organisation_id:
            self.close(UNAUTHENTICATED, "the session or key is no longer valid: log in again")
        elif not all(principal.may(SOURCES[kind].permission) for kind in self.selection.kind):
            self.close(FORBIDDEN, "the permission to follow this was taken away")
        else:
            self.principal = principal

    def close(self, code: int, reason: str) -> None:
        """End the stream."""
        self._closed = self._closed or Closed(code, reason)
        self.wake()

    def tick(self, now_s: float, stuck_s: float) -> None:
        """See that heartbeats are sent, and that what was sent is taken."""
        if now_s >= self._beat_at_s:
            self.wake()
        if (
            self.sending is not None
            and self._away_since_s is not None
            and now_s - self._away_since_s > stuck_s
        ):
            self.sending.cancel()

    def wake(self) -> None:
        """Let the carrier look for frames."""
        self._news.set()

    async def leave(self) -> None:
        """Let go of what the session holds."""
        if self._catchup is not None:
            await self._catchup.stop()

    async def frames(self) -> list[F]:
        """Return what is to be sent next, as soon as there is something.

        Raises:
            Closed: the stream has ended.
        """
        self._away_since_s = None
        frames: list[F] = []
        while not frames:
            if self._closed is not None:
                raise self._closed
            frames += self._answers
            self._answers.clear()
            if self._catchup is not None:
                frames += await self._catch_up(self._catchup, bool(frames))
            else:
                frames += [self._frame(item) for item in self.outbox.take(AT_ONCE)]
            now_s = asyncio.get_running_loop().time()
            if not frames and now_s >= self._beat_at_s:
                frames = [self._form.beat(self._token(self._place()))]
            if frames:
                self._beat_at_s = now_s + HEARTBEAT_S
                self._away_since_s = now_s
            elif self._catchup is None:
                self._news.clear()
                await self._news.wait()
        metrics.SENT.inc(len(frames))
        return frames

    def wants(self, entry: Entry) -> bool:
        """Tell whether the client wants an entry, and may have it now."""
        principal = self.principal
        return (
            self.selection.takes(entry.kind, entry.record)
            and self._house.owner(entry.record.site) == principal.organisation_id
            and principal.scope.allows(entry.record.site, entry.camera)
        )

    async def _catch_up(self, catchup: Catchup, hurry: bool) -> list[F]:
        # Not for long, so that heartbeats and the end of the session are not held up.
        found = await catchup.take(0 if hurry else _LOOK_S)
        if found is None:
            return []
        if isinstance(found, Gone):
            position = self._house.position
            self._arrive(position)
            return [self._write("reset", position, {"reason": TOO_OLD})]
        if found.last:
            self._arrive(found.position)
        return [
            self._frame(Told(entry, entry.position, shared=False))
            for entry in found.entries
            if self.wants(entry)
        ]

    def _arrive(self, position: Positions) -> None:
        joined = self._house.join(self, position)
        self._catchup = None if joined else self._house.catchup(position)

    def _place(self) -> Positions:
        if self._catchup is not None:
            return self._catchup.position
        return self.outbox.place(self._house.position)

    def _frame(self, item: Told | Lagged) -> F:
        if isinstance(item, Lagged):
            metrics.DROPPED.inc(item.dropped)
            return self._write("lagged", item.position, {"dropped": item.dropped})
        entry = item.entry
        if not item.shared:
            return self._record(entry, item.position)
        # Written once for all who follow the same kinds in the same form.
        key = (self._form, self.selection.kind)
        if key not in entry.frames:
            entry.frames[key] = self._record(entry, item.position)
        return cast(F, entry.frames[key])

    def _record(self, entry: Entry, position: Positions) -> F:
        name = entry.kind.value
        return self._write(name, position, {name: orjson.Fragment(body(entry.record))})

    def _ready(self, position: Positions) -> F:
        selection = {name: sorted(values) for name, values in self.selection}
        return self._write("ready", position, {"selection": selection, "heartbeat_s": HEARTBEAT_S})

    def _write(self, kind: str, position: Positions, fields: Fields) -> F:
        return self._form.write(kind, self._token(position), fields)

    def _token(self, position: Positions) -> str:
        return self._house.tokens.write(position, self.selection.kind)
