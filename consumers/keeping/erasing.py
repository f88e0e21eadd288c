"""Erasure: what a camera or a site saw in a span of time goes, and a report says what went.

An erasure stays in force for ``REPEAT``: a site that was cut off sends later what it saw in the
span, and that goes too. A legal hold outranks it; the report names the events that stayed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from consumers.keeping.policy import EVIDENCE, TABLES, KeptTable
from consumers.keeping.sweeping import Connection, forget_places, remove_evidence
from consumers.sinks.objects import ObjectStore

REPEAT = timedelta(days=30)
NAMED = 100
"""Events on hold that a report names."""
KAFKA = (
    "copies in the cloud's Kafka topics expire with their retention: at the latest after 30 days"
)

EraseDocuments = Callable[["Erasure"], int]
"""Removes what the document store holds of an erasure's span; returns how many documents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """Everything of a site's camera (None: of all its cameras) in ``[from_at, to_at)``."""

    erasure_id: UUID
    organisation_id: UUID
    site: str
    camera: str | None
    from_at: datetime
    to_at: datetime
    state: str
    report: dict[str, Any]


def due(connection: Connection, now: datetime) -> list[Erasure]:
    """Return the erasures in force, the oldest first; those asked for and not done lead."""
    names = sql.SQL(", ").join(map(sql.Identifier, Erasure.__dataclass_fields__))
    query = sql.SQL(
        "SELECT {} FROM erasures WHERE state = 'waiting' OR requested_at > %s "
        "ORDER BY state DESC, requested_at"
    ).format(names)
    with connection.cursor(row_factory=class_row(Erasure)) as cursor:
        return cursor.execute(query, [now - REPEAT]).fetchall()


def erase(
    connection: Connection,
    objects: ObjectStore,
    erase_documents: EraseDocuments,
    erasure: Erasure,
    now: datetime,
) -> Counter[str]:
    """Carry an erasure out, note its report, and return how many rows went of each table.

    ``connection`` commits by itself: whatever interrupts this, the next try goes on.

    Raises:
        Retryable: object storage or the document store does not answer.
    """
    values: dict[str, object] = {
        "site": erasure.site,
        "camera": erasure.camera,
        "from_at": erasure.from_at,
        "to_at": erasure.to_at,
        "organisation": erasure.organisation_id,
    }
    gone: Counter[str] = Counter()
    # Documents do not say whose they are; the site does.
    if _owns(connection, erasure):
        gone["documents"] += erase_documents(erasure)
    gone[EVIDENCE.name] += remove_evidence(connection, objects, _within(EVIDENCE), values)
    connection.execute(_silence(), values)
    for table in TABLES:
        query = sql.SQL("DELETE FROM {} WHERE {}").format(
            sql.Identifier(table.name), _within(table)
        )
        gone[table.name] += connection.execute(query, values).rowcount
    forget_places(connection, erasure.from_at.date(), erasure.to_at.date())
    held = connection.execute(
        sql.SQL("SELECT event_id FROM events WHERE {} ORDER BY opened_at LIMIT {}").format(
            _span(TABLES[0]), sql.Literal(NAMED)
        ),
        values,
    ).fetchall()
    _report(connection, erasure, gone, [event_id for (event_id,) in held], now)
    return gone


def _silence() -> sql.Composed:
    """Return the statement that takes what events were out of their notifications.

    That somebody was told stays; who still waits for one hears nothing more.
    """
    return sql.SQL(
        "WITH told AS (UPDATE notify_deliveries SET content = NULL, reason = 'erased', "
        "status = CASE WHEN status IN ('pending', 'collecting', 'held', 'dead') THEN 'dropped' "
        "ELSE status END WHERE organisation_id = %(organisation)s AND content IS NOT NULL "
        "AND event_id IN (SELECT event_id FROM events WHERE {due}) RETURNING told_in) "
        "UPDATE notify_deliveries SET content = NULL, reason = 'erased', "
        "status = CASE WHEN status = 'dead' THEN 'dropped' ELSE status END "
        "WHERE status <> 'pending' AND delivery_id IN (SELECT told_in FROM told)"
    ).format(due=_within(TABLES[0]))


def _owns(connection: Connection, erasure: Erasure) -> bool:
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM sites WHERE site = %s AND organisation_id = %s)",
        [erasure.site, erasure.organisation_id],
    ).fetchone()
    return row is not None and bool(row[0])


def _report(
    connection: psycopg.Connection[Any],
    erasure: Erasure,
    gone: Counter[str],
    held: list[str],
    now: datetime,
) -> None:
    before = Counter(erasure.report.get("removed", {}))
    report = {
        "removed": dict(before + gone),
        "on_hold": held,
        "remains": [KAFKA],
        "last_run_at": now.isoformat(),
        "in_force_until": None,
    }
    connection.execute(
        "UPDATE erasures SET state = 'done', done_at = coalesce(done_at, %s), "
        "report = %s || jsonb_build_object('in_force_until', requested_at + %s) "
        "WHERE erasure_id = %s",
        [now, Jsonb(report), REPEAT, erasure.erasure_id],
    )


def _within(table: KeptTable) -> sql.Composable:
    return sql.SQL("{} AND NOT {}").format(_span(table), sql.SQL(table.held))


def _span(table: KeptTable) -> sql.Composable:
    """Return the rows of the span: by their time, or by the time they last for."""
    name = sql.Identifier(table.name)
    end = sql.Identifier(table.name, table.until or table.at)
    return sql.SQL(
        "{name}.organisation_id = %(organisation)s AND {name}.site = %(site)s "
        "AND (%(camera)s::text IS NULL OR {name}.camera = %(camera)s) "
        "AND {name}.{at} < %(to_at)s AND {end} >= %(from_at)s"
    ).format(name=name, at=sql.Identifier(table.at), end=end)
