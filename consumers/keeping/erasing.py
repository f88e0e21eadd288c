"""Erasure: what a camera or a site saw in a span of time goes, and a report says what went.

An erasure stays in force for ``REPEAT``: a site that was cut off sends later what it saw in the
span, and that goes too. A legal hold outranks it; the report names the events that stayed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from consumers.etl.parquet.bucket import AnalyticsBucket
from consumers.keeping.erasure import Erasure
from consumers.keeping.lake import erase_objects
from consumers.keeping.policy import EVIDENCE, TABLES, KeptTable
from consumers.keeping.rollups import erase_rollups, rebuild_marked
from consumers.keeping.sweeping import Connection, forget_places, remove_evidence
from consumers.sinks.objects import ObjectStore

REPEAT = timedelta(days=30)
NAMED = 100
"""Events on hold that a report names."""
KAFKA = (
    "copies in the cloud's Kafka topics expire with their retention: at the latest after 30 days"
)
FOLLOWS = (
    "Parquet of figures is made anew by the worker of the analytics: within minutes while it runs"
)
LOOK_BACK = timedelta(hours=1)
"""An object's transaction may have noted its time so long before it was seen."""

EraseDocuments = Callable[[Erasure], int]
"""Removes what the document store holds of an erasure's span; returns how many documents."""


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
    analytics: AnalyticsBucket,
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
    # Documents, rollups and objects do not say whose they are; the site does.
    owns = _owns(connection, erasure)
    if owns:
        gone["documents"] += erase_documents(erasure)
    gone[EVIDENCE.name] += remove_evidence(connection, objects, _within(EVIDENCE), values)
    connection.execute(_silence(), values)
    for table in TABLES:
        query = sql.SQL("DELETE FROM {} WHERE {}").format(
            sql.Identifier(table.name), _within(table)
        )
        gone[table.name] += connection.execute(query, values).rowcount
    forget_places(connection, erasure.from_at.date(), erasure.to_at.date())
    analysed = _erase_analytics(connection, analytics, erasure, gone) if owns else {}
    held = connection.execute(
        sql.SQL("SELECT event_id FROM events WHERE {} ORDER BY opened_at LIMIT {}").format(
            _span(TABLES[0]), sql.Literal(NAMED)
        ),
        values,
    ).fetchall()
    _report(connection, erasure, gone, [event_id for (event_id,) in held], analysed, now)
    return gone


def _erase_analytics(
    connection: Connection, analytics: AnalyticsBucket, erasure: Erasure, gone: Counter[str]
) -> dict[str, Any]:
    """Take the span out of rollups and Parquet, count in ``gone``; return what the report says.

    Rollups of times before the horizon change no more, so once they are right they stay it.
    """
    looked_at = erasure.report.get("analytics_at")
    clock = connection.execute("SELECT clock_timestamp()").fetchone()
    assert clock is not None
    said: dict[str, Any] = {"analytics_at": clock[0].isoformat()}
    went = any(gone[table.name] for table in TABLES)
    if looked_at is None:
        rows, beyond = erase_rollups(connection, erasure)
        gone.update(rows)
        said["beyond_the_span"] = dict(+beyond)
    if looked_at is None or went:
        rebuild_marked(connection, erasure)
    since = None
    # Objects that were looked through may hold rows of a hold that was released since.
    if looked_at is not None and not (went or erasure.report.get("on_hold")):
        since = datetime.fromisoformat(looked_at) - LOOK_BACK
    gone["parquet"] += erase_objects(connection, analytics, erasure, since)
    return said


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
    connection: Connection,
    erasure: Erasure,
    gone: Counter[str],
    held: list[str],
    analysed: dict[str, Any],
    now: datetime,
) -> None:
    before = Counter(erasure.report.get("removed", {}))
    report = {
        **erasure.report,
        **analysed,
        "removed": dict(before + gone),
        "on_hold": held,
        "remains": [KAFKA, FOLLOWS],
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
