"""Erasure in the Parquet of data teams: objects are written again without what is to go.

Days whose rows Postgres still holds whole are exported anew anyway; the others nobody writes again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from consumers.etl.figures import OBJECTS
from consumers.etl.parquet.bucket import AnalyticsBucket
from consumers.etl.parquet.datasets import DATASETS
from consumers.etl.parquet.exporting import Partition, lock_partition
from consumers.etl.parquet.filtering import Left, Unwanted, may_hold, take_out
from consumers.keeping.erasure import Erasure
from consumers.keeping.policy import TABLES, KeptTable
from consumers.keeping.sweeping import Connection

_ROWS = tuple(table for table in TABLES if table.name in DATASETS)
"""Tables that are exported as they are."""


def erase_objects(
    connection: Connection, bucket: AnalyticsBucket, erasure: Erasure, since: datetime | None
) -> int:
    """Take an erasure's rows out of the objects of its site; return how many rows went.

    Events on hold keep their rows. ``since``: only objects written after it, by the database's
    clock.

    Raises:
        Retryable: object storage does not answer; again goes on.
    """
    gone = 0
    for table in _ROWS:
        for day in _days(connection, table, erasure, since):
            gone += _erase(connection, bucket, table, day, erasure)
    return gone


def _days(
    connection: Connection, table: KeptTable, erasure: Erasure, since: datetime | None
) -> Iterator[date]:
    # What lasts may have begun on any day before.
    first = date.min if table.until else erasure.from_at.astimezone(UTC).date()
    rows = connection.execute(
        "SELECT day FROM parquet_objects WHERE dataset = %s AND site = %s "
        "AND day BETWEEN %s AND %s AND written_at > coalesce(%s::timestamptz, '-infinity') ORDER BY day",
        [table.name, erasure.site, first, erasure.to_at.astimezone(UTC).date(), since],
    ).fetchall()
    return (day for (day,) in rows)


def _erase(
    connection: Connection,
    bucket: AnalyticsBucket,
    table: KeptTable,
    day: date,
    erasure: Erasure,
) -> int:
    with connection.transaction(), connection.cursor() as cursor:
        lock_partition(cursor, Partition(table.name, erasure.site, day), wait=True)
        place = [table.name, erasure.site, day]
        known = cursor.execute(
            "SELECT object_key, sha256 FROM parquet_objects "
            "WHERE dataset = %s AND site = %s AND day = %s",
            place,
        ).fetchone()
        if known is None:
            return 0
        key, sha256 = known
        unwanted = _unwanted(connection, table, erasure)
        if _began_before(day, erasure) and not may_hold(bucket, key, unwanted):
            return 0
        left = take_out(bucket, key, unwanted)
        if left is None or left.rows == 0:
            cursor.execute(
                "DELETE FROM parquet_objects WHERE dataset = %s AND site = %s AND day = %s", place
            )
        elif left.sha256 != sha256:
            cursor.execute(
                "UPDATE parquet_objects SET rows = %s, bytes = %s, sha256 = %s, "
                "written_at = clock_timestamp() WHERE dataset = %s AND site = %s AND day = %s",
                [left.rows, left.bytes, left.sha256, *place],
            )
    return _counted(left)


def _began_before(day: date, erasure: Erasure) -> bool:
    """Tell whether a day is over before the span: few of its rows, if any, last into it."""
    return datetime.combine(day, time(), UTC) + timedelta(days=1) <= erasure.from_at


def _counted(left: Left | None) -> int:
    if left is None or left.removed == 0:
        return 0
    OBJECTS.labels("written" if left.rows else "removed").inc()
    return left.removed


def _unwanted(connection: Connection, table: KeptTable, erasure: Erasure) -> Unwanted:
    kept: frozenset[str] = frozenset()
    if "holds" in table.held:
        held = connection.execute(
            "SELECT event_id FROM holds WHERE site = %s AND released_at IS NULL", [erasure.site]
        ).fetchall()
        kept = frozenset(event_id for (event_id,) in held)
    return Unwanted(
        camera=erasure.camera,
        at=table.at,
        until=table.until or table.at,
        from_at=erasure.from_at,
        to_at=erasure.to_at,
        kept=kept,
    )
