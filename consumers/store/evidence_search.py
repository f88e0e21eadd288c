"""Lists of evidence, and where the object of a piece lies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql

from consumers.access.principal import Scope
from consumers.store.conditions import Conditions
from consumers.store.database import Connection
from consumers.store.event_details import EVIDENCE
from consumers.store.spans import Look


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceFilter:
    """What is looked for; what is empty or None restricts nothing."""

    since: datetime | None = None
    until: datetime | None = None
    sites: tuple[str, ...] = ()
    cameras: tuple[tuple[str, str], ...] = ()
    event_id: str | None = None
    candidate_id: str | None = None
    kinds: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()


async def find_evidence(
    connection: Connection, scope: Scope, asked: EvidenceFilter, look: Look
) -> list[dict[str, Any]]:
    """Return the rows of a page, the newest first.

    Raises:
        Retryable: Postgres does not answer.
    """
    conditions = Conditions()
    conditions.tests.append(scope.condition())
    conditions.among("site", asked.sites)
    conditions.of_cameras(asked.cameras)
    conditions.among("event_id", [asked.event_id] if asked.event_id else [])
    conditions.among("candidate_id", [asked.candidate_id] if asked.candidate_id else [])
    conditions.one_of("kind", asked.kinds)
    conditions.one_of("status", asked.statuses)
    values: dict[str, Any] = {**conditions.values, **look.values, "rows": look.rows}
    for name, test, at in (
        ("since", "from_at >= %(since)s", asked.since),
        ("until", "from_at < %(until)s", asked.until),
    ):
        if at is not None:
            values[name] = at
            conditions.tests.append(sql.SQL(test))
    query = sql.SQL(
        "SELECT {columns} FROM evidence WHERE {tests} AND {place} ORDER BY {order} LIMIT %(rows)s"
    ).format(columns=EVIDENCE, tests=conditions.joined(), place=look.condition, order=look.order)
    return await (await connection.execute(query, values)).fetchall()


async def evidence_row(
    connection: Connection, scope: Scope, evidence_id: str
) -> dict[str, Any] | None:
    """Return a piece with the place of its object; None where there is none to be seen.

    Raises:
        Retryable: Postgres does not answer.
    """
    query = sql.SQL(
        "SELECT {columns}, bucket, object_key FROM evidence WHERE evidence_id = %s AND {scope}"
    ).format(columns=EVIDENCE, scope=scope.condition())
    return await (await connection.execute(query, [evidence_id])).fetchone()
