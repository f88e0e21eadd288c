"""The lines at work: each target's messages one after the other, all targets side by side.

A target that is slow or dead holds up its own line only; its circuit opens, and it costs nothing
until it is tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Iterable
from functools import partial
from typing import Any
from uuid import UUID

from consumers.notify import lines
from consumers.notify.composing import compose
from consumers.notify.line import Failed, Succeeded, retry_at
from consumers.notify.links import Links
from consumers.notify.metrics import DELAY, FAILED, OPEN_CIRCUITS, SENT, WAITING
from consumers.notify.opened import Open, OpenTargets
from consumers.notify.outbox import Claim, Outbox
from consumers.notify.planning import now_at
from consumers.notify.targets.registry import KINDS
from consumers.notify.targets.target import Gone
from schemas.errors import Backpressure, Rejected, Retryable

POLL_S = 0.5
RESIDENTS_S = 5.0
MAX_LINES_AT_ONCE = 256
SEND_S = 40.0
"""No try may last longer: a line is held for a minute."""
NOTE_TRIES = 4
IDLE_S = 60.0
UNUSABLE_S = 60.0
"""How long a target that cannot even be opened is left alone."""


class Sender:
    """Sends what is due, until cancelled."""

    def __init__(self, outbox: Outbox, targets: OpenTargets, links: Links, log: Any) -> None:
        self._outbox = outbox
        self._targets = targets
        self._links = links
        self._log = log
        self._lanes: dict[UUID, asyncio.Task[None]] = {}
        self._idle_until_s: dict[UUID, float] = {}
        self._look = asyncio.Event()
        self._stopping = False
        self.problem: str | None = None

    def poke(self, targets: Iterable[UUID]) -> None:
        """Look at once: something was planned for these targets."""
        for target_id in targets:
            self._idle_until_s.pop(target_id, None)
        self._look.set()

    async def run(self) -> None:
        """Look for what is due and send it."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._dispatch())
                group.create_task(self._keep_up())
        finally:
            await self._end()

    async def _dispatch(self) -> None:
        while True:
            self._look.clear()
            try:
                await self._start_lanes()
                self.problem = None
            except Retryable as error:
                if self.problem is None:
                    self._log.warning("sending waits", error=str(error))
                self.problem = str(error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._look.wait(), POLL_S)

    async def _keep_up(self) -> None:
        while True:
            try:
                await self._attend()
            except Retryable as error:
                self._log.warning("targets are not attended to", error=str(error))
            await asyncio.sleep(RESIDENTS_S)

    async def _start_lanes(self) -> None:
        free = MAX_LINES_AT_ONCE - len(self._lanes)
        if free <= 0:
            return
        async with self._outbox.database.system() as connection:
            due = await lines.busy(
                connection, self._outbox.holder, now_at(), MAX_LINES_AT_ONCE + len(self._lanes)
            )
        now_s = time.monotonic()
        idle = {one: until_s for one, until_s in self._idle_until_s.items() if until_s > now_s}
        self._idle_until_s = idle
        for target_id in due:
            if target_id in self._lanes or target_id in idle or free <= 0:
                continue
            free -= 1
            lane = asyncio.create_task(self._lane(target_id))
            self._lanes[target_id] = lane
            lane.add_done_callback(partial(self._lane_ended, target_id))

    async def _lane(self, target_id: UUID) -> None:
        try:
            held = await self._targets.get(target_id, time.monotonic())
            while held is not None and not self._stopping:
                claim = await self._outbox.next(held.sending, now_at())
                if claim is None:
                    break
                await self._send(held, claim)
                held.used_at_s = time.monotonic()
            # Due, and yet nothing could be sent: it waits for a picture or for an earlier one.
            self._idle_until_s.setdefault(target_id, time.monotonic() + POLL_S)
        except Retryable as error:
            self._log.warning("a line waits", target=str(target_id), error=str(error))
            self._idle_until_s[target_id] = time.monotonic() + 2 * POLL_S
        except Rejected as error:
            self._log.error("a target cannot be used", target=str(target_id), error=str(error))
            self._idle_until_s[target_id] = time.monotonic() + UNUSABLE_S
            await self._tell(target_id, str(error))

    def _lane_ended(self, target_id: UUID, lane: asyncio.Task[None]) -> None:
        self._lanes.pop(target_id, None)
        error = None if lane.cancelled() else lane.exception()
        if error is not None:
            self._log.error("a line broke", target=str(target_id), exc_info=error)
            self._idle_until_s[target_id] = time.monotonic() + UNUSABLE_S

    async def _send(self, held: Open, claim: Claim) -> None:
        sending, kind = held.sending, held.kind.name
        try:
            async with asyncio.timeout(SEND_S):
                await held.target.send(compose(claim, self._links, now_at()))
        except Gone:
            FAILED.labels(kind, "gone").inc()
            await self._outbox.gone(sending, now_at())
        except Rejected as error:
            FAILED.labels(kind, "refused").inc()
            answered = Succeeded(now_at())
            await self._outbox.failed(claim, sending, answered, str(error), None, now_at())
        except (Retryable, TimeoutError) as error:
            after_s = error.retry_after_s if isinstance(error, Backpressure) else 0.0
            await self._again(held, claim, str(error) or "it took too long", after_s)
        except Exception as error:  # noqa: BLE001 (whatever a client library raises)
            # A fault of ours in one kind of target is no reason to leave all others unserved.
            self._log.exception("a target failed in a way that was not foreseen", kind=kind)
            await self._again(held, claim, f"a fault of Sightline: {type(error).__name__}", 0.0)
        else:
            await self._note_sent(claim, held)
            SENT.labels(kind).inc()
            if claim.row["kind"] == "event" and claim.row["event_state"] != "escalated":
                DELAY.labels(kind).observe(max(0.0, (now_at() - claim.row["content"]["at"]) / 1000))

    async def _note_sent(self, claim: Claim, held: Open) -> None:
        # Until this is stored a crash would send it again: so it is insisted on.
        for tries in range(1, NOTE_TRIES + 1):
            try:
                await self._outbox.sent(claim, held.sending, Succeeded(now_at()), now_at())
                return
            except Retryable:
                if tries == NOTE_TRIES:
                    raise
                await asyncio.sleep(POLL_S * tries)

    async def _again(self, held: Open, claim: Claim, reason: str, after_s: float) -> None:
        failed_at = now_at()
        again_at = retry_at(failed_at, claim.row["attempts"], random.random(), after_s)
        status = await self._outbox.failed(
            claim, held.sending, Failed(failed_at), reason, again_at, failed_at
        )
        FAILED.labels(held.kind.name, "dead" if status == "dead" else "again").inc()

    async def _attend(self) -> None:
        names = [kind.name for kind in KINDS.values() if kind.resident]
        async with self._outbox.database.system() as connection:
            found = await lines.resident(connection, self._outbox.holder, names)
            await _show_figures(connection)
        for target_id in found:
            if self._idle_until_s.get(target_id, 0.0) > time.monotonic() + 2 * POLL_S:
                continue
            try:
                await self._targets.get(target_id, time.monotonic())
            except Rejected as error:
                self._idle_until_s[target_id] = time.monotonic() + UNUSABLE_S
                await self._tell(target_id, str(error))
        await self._targets.close_unused(
            time.monotonic() - IDLE_S, frozenset(found) | self._lanes.keys()
        )

    async def _tell(self, target_id: UUID, problem: str) -> None:
        try:
            async with self._outbox.database.system() as connection:
                await lines.tell_problem(connection, target_id, problem)
        except Retryable as error:
            self._log.warning("a problem could not be noted", error=str(error))

    async def _end(self) -> None:
        self._stopping = True
        lanes = list(self._lanes.values())
        if lanes:
            # What is under way may end: cut off, its outcome would not be known.
            await asyncio.wait(lanes, timeout=10.0)
        for lane in lanes:
            lane.cancel()
        try:
            await self._targets.close()
        except Retryable as error:
            self._log.warning("the lines are left to their time", error=str(error))


async def _show_figures(connection: Any) -> None:
    found = await connection.execute(
        "SELECT t.kind, count(*) AS targets FROM notify_lines l JOIN notify_targets t "
        "USING (target_id) WHERE l.open_until IS NOT NULL AND t.enabled GROUP BY t.kind"
    )
    counts = {row["kind"]: row["targets"] for row in await found.fetchall()}
    for name in KINDS:
        OPEN_CIRCUITS.labels(name).set(counts.get(name, 0))
    found = await connection.execute(
        "SELECT count(*) AS waiting FROM notify_deliveries "
        "WHERE status IN ('pending', 'collecting', 'held') AND due_at <= clock_timestamp()"
    )
    row = await found.fetchone()
    WAITING.set(row["waiting"])
