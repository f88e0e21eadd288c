"""Questions about events in the cloud's Postgres."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from typing import Any, TypeVar

import psycopg
from psycopg import sql
from psycopg.rows import DictRow, class_row, dict_row

from consumers.store.address import check_address, no_answer
from consumers.store.rows import EventChange, EventDetails, EventRow, EvidenceRow, VerdictRow
from schemas.errors import Fatal

CONNECT_TIMEOUT_S = 5
MAX_ROWS = 10_000
Row = TypeVar("Row")


def list_events(
    dsn: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    site: str | None = None,
    camera: str | None = None,
    rule: str | None = None,
    limit: int = 100,
) -> tuple[EventRow, ...]:
    """Return the latest events opened in ``[since, until)``, newest first.

    At most ``limit`` of them, 1 to ``MAX_ROWS``; what is None restricts nothing.

    Raises:
        Retryable: Postgres does not answer.
        Fatal: the tables are not there.
    """
    tests = {
        "opened_at >= %(since)s": since,
        "opened_at < %(until)s": until,
        "site = %(site)s": site,
        "camera = %(camera)s": camera,
        "rule = %(rule)s": rule,
    }
    chosen = [sql.SQL(test) for test, value in tests.items() if value is not None]
    query = sql.SQL(
        "SELECT {names} FROM events WHERE {tests} ORDER BY opened_at DESC, event_id LIMIT {limit}"
    ).format(
        names=columns(EventRow, _EVENT_JSON),
        tests=sql.SQL(" AND ").join(chosen or [sql.SQL("true")]),
        limit=sql.Literal(min(max(1, limit), MAX_ROWS)),
    )
    values = {"since": since, "until": until, "site": site, "camera": camera, "rule": rule}
    with connected(dsn) as connection:
        return tuple(_event(row) for row in connection.execute(query, values))


def get_event(dsn: str, event_id: str) -> EventDetails | None:
    """Return one event with its changes, verdicts and evidence; None if there is none.

    Raises:
        Retryable: Postgres does not answer.
        Fatal: the tables are not there.
    """
    with connected(dsn) as connection, connection.transaction():
        # One snapshot for all four questions.
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        query = sql.SQL("SELECT {} FROM events WHERE event_id = %s")
        row = connection.execute(
            query.format(columns(EventRow, _EVENT_JSON)), [event_id]
        ).fetchone()
        if row is None:
            return None
        return EventDetails(
            event=_event(row),
            changes=_of_event(connection, EventChange, "event_changes", "revision", event_id),
            verdicts=_of_event(
                *(connection, VerdictRow, "verdicts", "matched_at, candidate_id", event_id),
                {"reasons": "reasons_json", "provenance": "provenance_json"},
            ),
            evidence=_of_event(connection, EvidenceRow, "evidence", "kind DESC", event_id),
        )


@contextmanager
def connected(dsn: str) -> Iterator[psycopg.Connection[DictRow]]:
    """Yield a connection that commits by itself, with errors told as ours.

    Raises:
        Retryable: Postgres does not answer.
        Fatal: the tables are not there, or the address is none.
    """
    check_address(dsn)
    try:
        with psycopg.connect(
            dsn, autocommit=True, row_factory=dict_row, connect_timeout=CONNECT_TIMEOUT_S
        ) as connection:
            yield connection
    except psycopg.OperationalError as error:
        raise no_answer(error) from error
    except psycopg.errors.UndefinedTable as error:
        raise Fatal("the database has no tables yet: run `sightline migrate`") from error


_EVENT_JSON = {"tracks": "tracks_json", "provenance": "provenance_json"}


def columns(row: type, instead: Mapping[str, str]) -> sql.Composable:
    """Name the columns of a row class; ``instead`` names others for some of its fields."""
    return sql.SQL(", ").join(
        sql.SQL("{} AS {}").format(
            sql.Identifier(instead.get(field.name, field.name)), sql.Identifier(field.name)
        )
        for field in fields(row)
    )


def _event(row: Mapping[str, Any]) -> EventRow:
    tracks = row["tracks"] if isinstance(row["tracks"], list) else []
    return EventRow(**{**row, "tracks": tuple(str(track) for track in tracks)})


def _of_event(
    connection: psycopg.Connection[DictRow],
    row: type[Row],
    table: str,
    order: str,
    event_id: str,
    instead: Mapping[str, str] | None = None,
) -> tuple[Row, ...]:
    query = sql.SQL("SELECT {} FROM {} WHERE event_id = %s ORDER BY {}").format(
        columns(row, instead or {}), sql.Identifier(table), sql.SQL(order)
    )
    with connection.cursor(row_factory=class_row(row)) as cursor:
        return tuple(cursor.execute(query, [event_id]))
