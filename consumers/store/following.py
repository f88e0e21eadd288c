"""Changes of events in the moment their rows are there: LISTEN, and a look back after a break."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Iterator
from datetime import datetime, timedelta

import psycopg
from psycopg import sql
from psycopg.rows import DictRow, class_row

from consumers.store.events import columns, connected
from consumers.store.rows import EventChange
from schemas.errors import Retryable

CHANNEL = "sightline_events"
WAKE_S = 0.5
RECONNECT_S = 1.0
OVERLAP = timedelta(seconds=30)
"""How far a transaction's end may lie behind the ``stored_at`` that it wrote."""
REMEMBERED = 10_000


def follow(
    dsn: str, *, since: datetime | None = None, stopping: threading.Event | None = None
) -> Iterator[EventChange]:
    """Yield each change of an event once, as it arrives, until ``stopping`` is set.

    With ``since`` the changes stored from then on come first. A lost connection is taken up again
    and what came meanwhile is caught up.

    Raises:
        Retryable: Postgres does not answer at the start.
        Fatal: the tables are not there.
    """
    stop = stopping or threading.Event()
    seen: OrderedDict[tuple[str, int], None] = OrderedDict()
    started = False
    while not stop.is_set():
        try:
            with connected(dsn) as connection:
                connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
                since = since or _now(connection)
                started = True
                for change in _changes(connection, since, stop):
                    key = (change.event_id, change.revision)
                    if key in seen:
                        continue
                    seen[key] = None
                    if len(seen) > REMEMBERED:
                        seen.popitem(last=False)
                    yield change
                    since = max(since, change.stored_at - OVERLAP)
        except Retryable:
            if not started:
                raise
            stop.wait(RECONNECT_S)


def _changes(
    connection: psycopg.Connection[DictRow], since: datetime, stop: threading.Event
) -> Iterator[EventChange]:
    names = columns(EventChange, {})
    one = sql.SQL("SELECT {} FROM event_changes WHERE event_id = %s AND revision = %s").format(
        names
    )
    missed = sql.SQL("SELECT {} FROM event_changes WHERE stored_at >= %s ORDER BY stored_at")
    with connection.cursor(row_factory=class_row(EventChange)) as cursor:
        yield from cursor.execute(missed.format(names), [since]).fetchall()
        while not stop.is_set():
            for notice in list(connection.notifies(timeout=WAKE_S, stop_after=1)):
                told = json.loads(notice.payload)
                yield from cursor.execute(one, [told["event_id"], told["revision"]]).fetchall()


def _now(connection: psycopg.Connection[DictRow]) -> datetime:
    row = connection.execute("SELECT clock_timestamp() AS now").fetchone()
    assert row is not None
    now = row["now"]
    assert isinstance(now, datetime)
    return now
