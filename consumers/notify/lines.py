"""Who sends to a target at the moment, and what is remembered of it: rows of ``notify_lines``.

A worker takes a target's line for a minute at a time, so that its messages go out one by one and
in order however many workers there are. One that died leaves its lines to the others a minute
later; started again under its name, it has them at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from consumers.notify.line import Line
from consumers.notify.planning import moment
from consumers.store.database import Connection

HELD_S = 60
_TAKE = """
    INSERT INTO notify_lines AS line (target_id, organisation_id, holder, held_until)
    SELECT target_id, organisation_id, %(holder)s, clock_timestamp() + %(held)s * interval '1 s'
    FROM notify_targets WHERE target_id = %(target)s AND enabled
    ON CONFLICT (target_id) DO UPDATE
    SET holder = EXCLUDED.holder, held_until = EXCLUDED.held_until
    WHERE line.holder = EXCLUDED.holder OR line.held_until < clock_timestamp()
    RETURNING 1
"""
_BUSY = """
    SELECT t.target_id FROM notify_targets t LEFT JOIN notify_lines l USING (target_id)
    WHERE t.enabled
        AND (l.holder IS NULL OR l.holder = %(holder)s OR l.held_until < clock_timestamp())
        AND (l.open_until IS NULL OR l.open_until <= %(now)s)
        AND EXISTS (
            SELECT FROM notify_deliveries d WHERE d.target_id = t.target_id
            AND d.status IN ('pending', 'collecting', 'held') AND d.due_at <= %(now)s)
    LIMIT %(most)s
"""
_RESIDENT = """
    SELECT t.target_id, t.revision FROM notify_targets t LEFT JOIN notify_lines l USING (target_id)
    WHERE t.enabled AND t.kind = ANY(%(kinds)s)
        AND (l.holder IS NULL OR l.holder = %(holder)s OR l.held_until < clock_timestamp())
"""


async def take(connection: Connection, target_id: UUID, holder: str) -> bool:
    """Take or keep a target's line; False while another worker has it, or it is disabled."""
    found = await connection.execute(_TAKE, {"target": target_id, "holder": holder, "held": HELD_S})
    return await found.fetchone() is not None


async def let_go(connection: Connection, targets: Sequence[UUID], holder: str) -> None:
    """Leave lines to whoever wants them."""
    await connection.execute(
        "UPDATE notify_lines SET held_until = '-infinity' WHERE target_id = ANY(%s) AND holder = %s",
        [list(targets), holder],
    )


async def busy(connection: Connection, holder: str, now_at: int, most: int) -> list[UUID]:
    """Return targets that something is due to and that this worker may send to."""
    found = await connection.execute(_BUSY, {"holder": holder, "now": moment(now_at), "most": most})
    return [row["target_id"] for row in await found.fetchall()]


async def resident(connection: Connection, holder: str, kinds: Sequence[str]) -> dict[UUID, int]:
    """Return the targets of these kinds that this worker may attend to, with their revisions."""
    found = await connection.execute(_RESIDENT, {"holder": holder, "kinds": list(kinds)})
    return {row["target_id"]: row["revision"] for row in await found.fetchall()}


async def read(connection: Connection, target_id: UUID, holder: str) -> dict[str, Any] | None:
    """Lock and return the line's row for the transaction, with its target's ``revision``.

    None if it is not this worker's any more, or the target is disabled or gone.
    """
    found = await connection.execute(
        "UPDATE notify_lines l SET held_until = clock_timestamp() + %s * interval '1 s' "
        "FROM notify_targets t WHERE l.target_id = %s AND l.holder = %s "
        "AND t.target_id = l.target_id AND t.enabled RETURNING l.*, t.revision",
        [HELD_S, target_id, holder],
    )
    return await found.fetchone()


async def write(connection: Connection, target_id: UUID, line: Line) -> None:
    """Store what is remembered."""
    await connection.execute(
        "UPDATE notify_lines SET failures = %s, cuts = %s, open_until = %s, window_at = %s, "
        "window_sent = %s WHERE target_id = %s",
        [
            line.failures,
            line.cuts,
            None if line.open_until is None else moment(line.open_until),
            None if line.window_at is None else moment(line.window_at),
            line.window_sent,
            target_id,
        ],
    )


async def tell_problem(connection: Connection, target_id: UUID, problem: str) -> None:
    """Store what is wrong with a target, for people to read; empty: nothing."""
    await connection.execute(
        "UPDATE notify_lines SET problem = %(problem)s "
        "WHERE target_id = %(target)s AND problem <> %(problem)s",
        {"problem": problem[:500].replace("\0", " "), "target": target_id},
    )


def line_of(row: Mapping[str, Any]) -> Line:
    """Return what a row remembers."""
    return Line(
        failures=row["failures"],
        cuts=row["cuts"],
        open_until=_ms(row["open_until"]),
        window_at=_ms(row["window_at"]),
        window_sent=row["window_sent"],
    )


def _ms(at: Any) -> int | None:
    return None if at is None else round(at.timestamp() * 1000)
