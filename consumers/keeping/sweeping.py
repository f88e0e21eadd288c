"""Retention: what is older than its organisation keeps it goes, except under legal hold."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

from consumers.keeping.policy import DEFAULT_DAYS, EVIDENCE, TABLES, KeptTable, Kind
from consumers.sinks.objects import ObjectStore

Connection = psycopg.Connection[Any]
BATCH = 500
"""Objects that are removed at once."""


def sweep(connection: Connection, objects: ObjectStore, now: datetime) -> Counter[str]:
    """Remove what is due by ``now``; return how many rows went of each table.

    ``connection`` commits by itself: whatever interrupts this, the next sweep goes on.

    Raises:
        Retryable: object storage does not answer; rows whose object is still there stay.
    """
    gone: Counter[str] = Counter()
    for table in TABLES:
        # Rollups of what may be gone are not computed again: see r0008_rollups.sql.
        connection.execute(
            "SELECT sightline_note_horizon(%s, %s, %s)",
            [table.kind, DEFAULT_DAYS[table.kind], now],
        )
        if table.parted:
            gone[table.name] += _sweep_days(connection, table, now)
        else:
            gone[table.name] += _delete(connection, table, table.name, now)
    gone[EVIDENCE.name] += remove_evidence(connection, objects, _expired(EVIDENCE), _values(now))
    return gone


def remove_evidence(
    connection: Connection, objects: ObjectStore, due: sql.Composable, values: dict[str, object]
) -> int:
    """Remove the evidence that the condition ``due`` names: its objects first, then its rows.

    Raises:
        Retryable: object storage does not answer.
    """
    gone = 0
    query = sql.SQL(
        "SELECT evidence_id, bucket, object_key FROM evidence WHERE {} LIMIT {}"
    ).format(due, sql.Literal(BATCH))
    while rows := connection.execute(query, values).fetchall():
        keys: dict[str, list[str]] = defaultdict(list)
        for _, bucket, key in rows:
            if bucket and key:
                keys[bucket].append(key)
        for bucket, names in keys.items():
            objects.remove(bucket, names)
        # By what was removed: a newer revision that came meanwhile has an object of its own.
        for evidence_id, _, key in rows:
            gone += connection.execute(
                "DELETE FROM evidence WHERE evidence_id = %s AND object_key IS NOT DISTINCT FROM %s",
                [evidence_id, key],
            ).rowcount
    return gone


def partitions(connection: Connection, table: str) -> dict[str, date | None]:
    """Return a table's partitions with their days; None for that of all other days."""
    rows = connection.execute(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [table]
    )
    found: dict[str, date | None] = {}
    for (name,) in rows:
        suffix = name.rpartition("_")[2]
        day = datetime.strptime(suffix, "%Y%m%d").date() if suffix.isdigit() else None
        found[name] = day
    return found


def _sweep_days(connection: Connection, table: KeptTable, now: datetime) -> int:
    total = 0
    youngest = (now.astimezone(UTC) - timedelta(days=_shortest(connection, table.kind))).date()
    for part, day in sorted(partitions(connection, table.name).items()):
        if day is not None and day > youngest:
            continue
        if day is None or _keeps_any(connection, table, part, now):
            gone = _delete(connection, table, part, now)
        else:
            gone = _drop(connection, part)
        if gone and table.name == "events":
            forget_places(connection, day or datetime.min.date(), day or youngest)
        total += gone
    return total


def forget_places(connection: Connection, first: date, last: date) -> None:
    """Remove the places of events of these UTC days that are gone."""
    connection.execute(
        "DELETE FROM event_places AS place WHERE opened_at >= %s AND opened_at < %s "
        "AND NOT EXISTS (SELECT FROM events "
        "WHERE events.event_id = place.event_id AND events.opened_at = place.opened_at)",
        [_midnight(first), _midnight(last + timedelta(days=1))],
    )


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _drop(connection: Connection, part: str) -> int:
    name = sql.Identifier(part)
    row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(name)).fetchone()
    connection.execute(sql.SQL("DROP TABLE {}").format(name))
    return int(row[0]) if row else 0


def _keeps_any(connection: Connection, table: KeptTable, part: str, now: datetime) -> bool:
    query = sql.SQL("SELECT EXISTS (SELECT FROM {} AS {} WHERE NOT ({}))").format(
        sql.Identifier(part), sql.Identifier(table.name), _expired(table)
    )
    row = connection.execute(query, _values(now)).fetchone()
    return row is not None and bool(row[0])


def _delete(connection: Connection, table: KeptTable, part: str, now: datetime) -> int:
    query = sql.SQL("DELETE FROM {} AS {} WHERE {}").format(
        sql.Identifier(part), sql.Identifier(table.name), _expired(table)
    )
    return connection.execute(query, _values(now)).rowcount


def _expired(table: KeptTable) -> sql.Composable:
    return sql.SQL(
        "{name}.{at} < %(now)s - make_interval(days => coalesce((SELECT days FROM retention "
        "WHERE retention.organisation_id = {name}.organisation_id AND kind = {kind}), {default})) "
        "AND NOT {held}"
    ).format(
        name=sql.Identifier(table.name),
        at=sql.Identifier(table.at),
        kind=sql.Literal(table.kind.value),
        default=sql.Literal(DEFAULT_DAYS[table.kind]),
        held=sql.SQL(table.held),
    )


def _values(now: datetime) -> dict[str, object]:
    return {"now": now}


def _shortest(connection: Connection, kind: Kind) -> int:
    row = connection.execute(
        "SELECT least(min(days), %s) FROM retention WHERE kind = %s", [DEFAULT_DAYS[kind], kind]
    ).fetchone()
    return int(row[0]) if row else DEFAULT_DAYS[kind]
