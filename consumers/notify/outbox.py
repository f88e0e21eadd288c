"""What is to be sent to one target next, and what became of it: rows of ``notify_deliveries``.

A try is noted (``attempts``) before it is made and its outcome right after, each in a transaction
of its own. Between the target's answer and the second one lies the only moment in which a crash
makes a message come twice; it comes with the same id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from consumers.notify import lines
from consumers.notify.handling import Handling
from consumers.notify.line import MAX_ATTEMPTS, Asked, Go, Hold, Input, LineConfig, step
from consumers.notify.message import MAX_LINES
from consumers.notify.metrics import CANCELLED, HELD
from consumers.notify.occurrence import delivery_id
from consumers.notify.planning import moment
from consumers.notify.policies import load_policies
from consumers.notify.routing import GIVE_UP_AFTER_MS, is_muted
from consumers.store.database import Connection, Database

# An event's states go out in their order: what failed is waited for by what came after it. Later
# steps of an escalation wait for nobody and are waited for by nobody.
_NEXT = """
    SELECT * FROM notify_deliveries d
    WHERE d.target_id = %(target)s AND d.status = 'pending' AND d.due_at <= %(now)s
        AND (d.snapshot_until IS NULL OR d.snapshot_until <= %(now)s OR EXISTS (
            SELECT FROM evidence e WHERE e.event_id = d.event_id AND e.kind = 'snapshot'))
        AND (d.event_id IS NULL OR d.event_state = 'escalated' OR NOT EXISTS (
            SELECT FROM notify_deliveries b
            WHERE b.organisation_id = d.organisation_id AND b.target_id = d.target_id
            AND b.event_id = d.event_id AND b.status = 'pending' AND b.place < d.place
            AND b.event_state <> 'escalated'))
    ORDER BY d.due_at, d.place LIMIT 1
"""
_COLLECTED = {"collecting": "digest", "held": "summary"}


@dataclass(frozen=True, slots=True)
class Sending:
    """Which target, as far as sending needs to know it."""

    target_id: UUID
    organisation_id: UUID
    kind: str
    collects: bool
    revision: int
    config: LineConfig


@dataclass(frozen=True, slots=True)
class Claim:
    """One delivery to be sent now; its try is noted."""

    row: Mapping[str, Any]
    snapshot: Mapping[str, Any] | None
    """The evidence's row, if there is a picture."""
    troubled: bool
    """Something was wrong with the target before this try."""

    @property
    def delivery_id(self) -> UUID:
        """Its id."""
        return UUID(str(self.row["delivery_id"]))


class Outbox:
    """The deliveries of all targets whose lines this worker holds."""

    def __init__(self, database: Database, holder: str, handling: Handling) -> None:
        self.database = database
        self.holder = holder
        self._handling = handling

    async def next(self, sending: Sending, now_at: int) -> Claim | None:
        """Return what is to be sent now; None where nothing is, or nothing may be.

        So too where the target was changed since it was opened.

        Raises:
            Retryable: Postgres does not answer.
        """
        async with self.database.system() as connection:
            row = await lines.read(connection, sending.target_id, self.holder)
            if row is None or row["revision"] != sending.revision:
                return None
            line = lines.line_of(row)
            if sending.collects:
                await _gather_due(connection, sending, now_at)
            while (found := await self._due(connection, sending, now_at)) is not None:
                asked, answer = step(line, Asked(now_at), sending.config)
                if asked != line:
                    await lines.write(connection, sending.target_id, asked)
                    line = asked
                match answer:
                    case Go():
                        troubled = bool(line.failures or line.cuts or row["problem"])
                        return await _claimed(connection, found, now_at, troubled=troubled)
                    case Hold(until):
                        await _hold(connection, sending, now_at, until)
                    case _:
                        return None
            return None

    async def sent(self, claim: Claim, sending: Sending, line_input: Input, now_at: int) -> None:
        """Note that the target took it.

        Raises:
            Retryable: Postgres does not answer.
        """
        async with self.database.system() as connection:
            await _end(connection, claim.delivery_id, "sent", "", now_at)
            if claim.troubled:
                await self._apply(connection, sending, line_input, "")

    async def failed(
        self,
        claim: Claim,
        sending: Sending,
        line_input: Input,
        reason: str,
        again_at: int | None,
        now_at: int,
    ) -> str:
        """Note that it did not; ``again_at`` None: it never will. Returns the status.

        Raises:
            Retryable: Postgres does not answer.
        """
        gives_up = again_at is None or claim.row["attempts"] >= MAX_ATTEMPTS
        async with self.database.system() as connection:
            if gives_up:
                await _end(connection, claim.delivery_id, "dead", reason, now_at)
            else:
                assert again_at is not None
                await connection.execute(
                    "UPDATE notify_deliveries SET due_at = %s, reason = %s "
                    "WHERE delivery_id = %s AND status = 'pending'",
                    [moment(again_at), _cut(reason), claim.delivery_id],
                )
            await self._apply(connection, sending, line_input, reason)
        return "dead" if gives_up else "pending"

    async def gone(self, sending: Sending, now_at: int) -> None:
        """Remove a target that is no more, with what was to be sent to it.

        Raises:
            Retryable: Postgres does not answer.
        """
        async with self.database.system() as connection:
            await remove_target(connection, sending.target_id, "target-gone", now_at)

    async def _apply(
        self, connection: Connection, sending: Sending, line_input: Input, problem: str
    ) -> None:
        row = await lines.read(connection, sending.target_id, self.holder)
        if row is None:
            return
        line, _ = step(lines.line_of(row), line_input, sending.config)
        await lines.write(connection, sending.target_id, line)
        await lines.tell_problem(connection, sending.target_id, problem)

    async def _due(
        self, connection: Connection, sending: Sending, now_at: int
    ) -> dict[str, Any] | None:
        """Return the next delivery; on the way, end those that are pointless by now."""
        while True:
            found = await connection.execute(
                _NEXT, {"target": sending.target_id, "now": moment(now_at)}
            )
            row = await found.fetchone()
            if row is None:
                return None
            if row["give_up_at"] <= moment(now_at):
                reason = row["reason"] or "it could not be sent in time"
                await _end(connection, row["delivery_id"], "dead", reason, now_at)
                continue
            reason = ""
            if row["unless_acknowledged"]:
                reason = await self._pointless(connection, row, now_at)
            if not reason:
                return row
            await _end(connection, row["delivery_id"], "cancelled", reason, now_at)
            CANCELLED.labels(reason).inc()

    async def _pointless(self, connection: Connection, row: dict[str, Any], now_at: int) -> str:
        if await self._handling.is_taken(connection, row["event_id"]):
            return "acknowledged"
        organisation = row["organisation_id"]
        policy = (await load_policies(connection, [organisation], now_at))[organisation]
        place = (row["site"], row["camera"], row["content"]["rule"])
        return "muted" if is_muted(policy, row["target_id"], *place, now_at) else ""


async def remove_target(connection: Connection, target_id: UUID, reason: str, now_at: int) -> bool:
    """Delete a target and cancel what waits for it; tell whether it was there."""
    await connection.execute(
        "UPDATE notify_deliveries SET status = 'cancelled', reason = %s, ended_at = %s "
        "WHERE target_id = %s AND status IN ('pending', 'collecting', 'held')",
        [reason, moment(now_at), target_id],
    )
    found = await connection.execute("DELETE FROM notify_targets WHERE target_id = %s", [target_id])
    return found.rowcount > 0


async def _claimed(
    connection: Connection, row: dict[str, Any], now_at: int, *, troubled: bool
) -> Claim:
    number = row["number"]
    if number is None:
        found = await connection.execute(
            "UPDATE notify_lines SET number = number + 1 WHERE target_id = %s RETURNING number",
            [row["target_id"]],
        )
        line = await found.fetchone()
        assert line is not None
        number = line["number"]
    await connection.execute(
        "UPDATE notify_deliveries SET attempts = attempts + 1, tried_at = %s, number = %s "
        "WHERE delivery_id = %s",
        [moment(now_at), number, row["delivery_id"]],
    )
    snapshot = None
    if row["event_id"] is not None:
        pictured = await connection.execute(
            "SELECT camera, content_type, bucket, object_key FROM evidence "
            "WHERE event_id = %s AND kind = 'snapshot' AND status = 'ok' LIMIT 1",
            [row["event_id"]],
        )
        snapshot = await pictured.fetchone()
    tried = {**row, "number": number, "attempts": row["attempts"] + 1}
    return Claim(tried, snapshot, troubled)


async def _gather_due(connection: Connection, sending: Sending, now_at: int) -> None:
    found = await connection.execute(
        "SELECT DISTINCT status FROM notify_deliveries WHERE target_id = %s "
        "AND status IN ('collecting', 'held') AND due_at <= %s",
        [sending.target_id, moment(now_at)],
    )
    for row in await found.fetchall():
        await _gather(connection, sending, row["status"], now_at)


async def _gather(connection: Connection, sending: Sending, status: str, now_at: int) -> None:
    """Turn everything of this status into one message."""
    values = {"target": sending.target_id, "status": status, "now": moment(now_at)}
    found = await connection.execute(
        "SELECT delivery_id, organisation_id, content FROM notify_deliveries "
        f"WHERE target_id = %(target)s AND status = %(status)s ORDER BY place LIMIT {MAX_LINES}",
        values,
    )
    rows = await found.fetchall()
    if len(rows) == 1:
        # Alone it is what it is; a second one may come while we look, and is then told the next time.
        await connection.execute(
            "UPDATE notify_deliveries SET status = 'pending', due_at = %s WHERE delivery_id = %s",
            [moment(now_at), rows[0]["delivery_id"]],
        )
        return
    kind = _COLLECTED[status]
    organisation = rows[0]["organisation_id"]
    told_in = delivery_id(organisation, sending.target_id, kind, str(rows[0]["delivery_id"]))
    taken = await connection.execute(
        "UPDATE notify_deliveries SET status = 'collected', told_in = %(told_in)s, "
        "ended_at = %(now)s WHERE target_id = %(target)s AND status = %(status)s",
        {**values, "told_in": told_in},
    )
    await connection.execute(
        "INSERT INTO notify_deliveries (delivery_id, organisation_id, target_id, kind, content, "
        "status, due_at, give_up_at) VALUES (%s, %s, %s, %s, %s, 'pending', %s, %s) "
        "ON CONFLICT DO NOTHING",
        [
            told_in,
            organisation,
            sending.target_id,
            kind,
            Jsonb({"count": taken.rowcount, "items": [row["content"] for row in rows]}),
            moment(now_at),
            moment(now_at + GIVE_UP_AFTER_MS),
        ],
    )


async def _hold(connection: Connection, sending: Sending, now_at: int, until: int) -> None:
    """Put off everything due: events for a summary, anything else as it is."""
    held = await connection.execute(
        "UPDATE notify_deliveries SET due_at = %(until)s, "
        "status = CASE WHEN kind = 'event' AND %(collects)s THEN 'held' ELSE status END "
        "WHERE target_id = %(target)s AND status = 'pending' AND due_at <= %(now)s",
        {
            "until": moment(until),
            "now": moment(now_at),
            "target": sending.target_id,
            "collects": sending.collects,
        },
    )
    HELD.labels(sending.kind).inc(held.rowcount)


async def _end(
    connection: Connection, delivery: UUID, status: str, reason: str, now_at: int
) -> None:
    await connection.execute(
        "UPDATE notify_deliveries SET status = %s, reason = %s, ended_at = %s "
        "WHERE delivery_id = %s AND status = 'pending'",
        [status, _cut(reason), moment(now_at), delivery],
    )


def _cut(reason: str) -> str:
    return reason.replace("\0", " ")[:500]
