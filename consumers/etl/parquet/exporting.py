"""Closed days into object storage: one object for each data set, site and UTC day.

A day is written once it is over, and again when a mark says that something of it changed. The
object is written before the row of ``parquet_objects`` that remembers it, and both before the marks
are gone: whatever dies in between, the next turn writes the same bytes again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from consumers.etl.figures import OBJECTS
from consumers.etl.marks import CLOSED_AFTER, horizons, lock
from consumers.etl.parquet.bucket import AnalyticsBucket
from consumers.etl.parquet.datasets import DataSet, exported
from consumers.etl.parquet.writing import ROWS_AT_ONCE, sha256_of, write_file
from consumers.etl.postgres import Connection
from consumers.etl.rollups.rollup import Cursor

DAY = timedelta(days=1)


class Partition(NamedTuple):
    """A site's day of a subject."""

    subject: str
    site: str
    day: date


class _Known(NamedTuple):
    organisation_id: str
    object_key: str
    sha256: str


def closed_partitions(connection: Connection, now: datetime) -> list[Partition]:
    """Return the days that are over at ``now`` and marked, the oldest first."""
    rows = connection.execute(
        "SELECT DISTINCT subject, site, at FROM rollup_marks WHERE grain = 'export' AND at <= %s "
        "ORDER BY at, subject, site",
        [now - CLOSED_AFTER],
    ).fetchall()
    return [Partition(subject, site, at.astimezone(UTC).date()) for subject, site, at in rows]


def export(connection: Connection, bucket: AnalyticsBucket, partition: Partition) -> bool:
    """Write the objects of a partition that changed; False while another worker is at it.

    Raises:
        Retryable: object storage does not answer; the marks stay.
    """
    subject, site, day = partition
    begins = datetime.combine(day, time(), UTC)
    with connection.transaction(), connection.cursor() as cursor:
        if not lock_partition(cursor, partition, wait=False):
            return False
        cursor.execute(
            "DELETE FROM rollup_marks "
            "WHERE grain = 'export' AND subject = %s AND site = %s AND at = %s",
            [subject, site, begins],
        )
        owner = _owner(cursor, site)
        for dataset in exported(subject):
            _export(cursor, bucket, dataset, site, begins, owner)
    return True


def lock_partition(cursor: Cursor, partition: Partition, *, wait: bool) -> bool:
    """Keep others from a partition until the transaction ends; False if one is at it."""
    subject, site, day = partition
    return lock(cursor, f"{subject}/{site}/{day}", "export", wait=wait)


def object_key(organisation_id: str, dataset: str, site: str, day: date) -> str:
    """Return where the object lies."""
    return f"organisation={organisation_id}/{dataset}/site={site}/day={day}/part-0.parquet"


def _export(
    cursor: Cursor,
    bucket: AnalyticsBucket,
    dataset: DataSet,
    site: str,
    begins: datetime,
    owner: str | None,
) -> None:
    known = _known(cursor, dataset.name, site, begins.date())
    key = object_key(owner, dataset.name, site, begins.date()) if owner else None
    if not _whole(cursor, dataset, site, begins):
        # Some of its rows are gone: what was written stays as it is, under its owner's prefix.
        if known is not None and key is not None and key != known.object_key:
            if bucket.move(known.object_key, key):
                _remember(cursor, dataset.name, site, begins.date(), owner, key)
            else:
                _forget(cursor, dataset.name, site, begins.date())
        return
    with TemporaryDirectory(prefix="sightline-parquet-") as folder:
        path = Path(folder) / "part-0.parquet"
        rows = write_file(path, dataset, _pieces(cursor, dataset, site, begins))
        if not _whole(cursor, dataset, site, begins):
            return
        if key is None or owner is None or rows == 0:
            if known is not None:
                _forget(cursor, dataset.name, site, begins.date())
                bucket.remove(bucket.bucket, [known.object_key])
                OBJECTS.labels("removed").inc()
            return
        sha256 = sha256_of(path)
        if known == (owner, key, sha256):
            OBJECTS.labels("equal").inc()
            return
        bucket.put_file(key, path, sha256)
        OBJECTS.labels("written").inc()
        figures = (rows, path.stat().st_size, sha256)
    _remember(cursor, dataset.name, site, begins.date(), owner, key, figures)
    if known is not None and known.object_key != key:
        bucket.remove(bucket.bucket, [known.object_key])


def _pieces(
    cursor: Cursor, dataset: DataSet, site: str, begins: datetime
) -> Iterator[Sequence[tuple[Any, ...]]]:
    with cursor.connection.cursor("parquet", binary=True) as reading:
        reading.itersize = ROWS_AT_ONCE
        values = {"site": site, "from_at": begins, "to_at": begins + DAY}
        reading.execute(dataset.query.encode(), values)
        while rows := reading.fetchmany(ROWS_AT_ONCE):
            yield rows


def _whole(cursor: Cursor, dataset: DataSet, site: str, begins: datetime) -> bool:
    """Tell whether retention has left the rows of the day alone."""
    if dataset.kept_as is None:
        return True
    kept_from = horizons(cursor, dataset.kept_as, [site]).get(site)
    return kept_from is None or begins >= kept_from


def _owner(cursor: Cursor, site: str) -> str | None:
    row = cursor.execute(
        "SELECT organisation_id::text FROM sites WHERE site = %s FOR SHARE", [site]
    ).fetchone()
    return row[0] if row else None


def _known(cursor: Cursor, dataset: str, site: str, day: date) -> _Known | None:
    row = cursor.execute(
        "SELECT organisation_id::text, object_key, sha256 FROM parquet_objects "
        "WHERE dataset = %s AND site = %s AND day = %s",
        [dataset, site, day],
    ).fetchone()
    return _Known(*row) if row else None


def _remember(
    cursor: Cursor,
    dataset: str,
    site: str,
    day: date,
    owner: str | None,
    key: str,
    figures: tuple[int, int, str] | None = None,
) -> None:
    if figures is None:
        cursor.execute(
            "UPDATE parquet_objects SET organisation_id = %s, object_key = %s "
            "WHERE dataset = %s AND site = %s AND day = %s",
            [owner, key, dataset, site, day],
        )
        return
    cursor.execute(
        "INSERT INTO parquet_objects (dataset, site, day, organisation_id, object_key, rows, bytes, "
        "sha256) VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (dataset, site, day) DO UPDATE "
        "SET organisation_id = EXCLUDED.organisation_id, object_key = EXCLUDED.object_key, "
        "rows = EXCLUDED.rows, bytes = EXCLUDED.bytes, sha256 = EXCLUDED.sha256, "
        "written_at = clock_timestamp()",
        [dataset, site, day, owner, key, *figures],
    )


def _forget(cursor: Cursor, dataset: str, site: str, day: date) -> None:
    cursor.execute(
        "DELETE FROM parquet_objects WHERE dataset = %s AND site = %s AND day = %s",
        [dataset, site, day],
    )
