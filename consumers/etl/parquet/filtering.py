"""Rows taken out of a Parquet object that lies in the bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from consumers.etl.parquet.bucket import AnalyticsBucket
from consumers.etl.parquet.ranges import ObjectFile
from consumers.etl.parquet.writing import COMPRESSION, sha256_of
from schemas.errors import Retryable


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwanted:
    """Rows of a camera (None: of all) that last into ``[from_at, to_at)``.

    ``at`` and ``until`` are the columns of the times from which and up to which a row lasts.
    ``kept`` are events whose rows stay, for data sets with a column ``event_id``.
    """

    camera: str | None
    at: str
    until: str
    from_at: datetime
    to_at: datetime
    kept: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Left:
    """What an object is afterwards; without rows it is gone."""

    removed: int
    rows: int
    bytes: int
    sha256: str


def may_hold(bucket: AnalyticsBucket, key: str, unwanted: Unwanted) -> bool:
    """Tell by the object's footer alone whether its rows' times touch the span.

    One that is not there may: whoever wants to take rows out finds out.

    Raises:
        Retryable: the service does not answer, or the object is no Parquet file.
    """
    size = bucket.size(key)
    if size is None:
        return True
    with _parquet(key), pq.ParquetFile(ObjectFile(bucket, key, size)) as file:
        return any(
            _touches(file.metadata.row_group(number), unwanted)
            for number in range(file.metadata.num_row_groups)
        )


def take_out(bucket: AnalyticsBucket, key: str, unwanted: Unwanted) -> Left | None:
    """Write an object again without the unwanted rows; None if there is no such object.

    Readers see the old or the new one. One in which nothing is unwanted is left as it is, one of
    which nothing is left is removed.

    Raises:
        Retryable: the service does not answer, or refuses, or the object is no Parquet file; again
            goes on.
    """
    size = bucket.size(key)
    if size is None:
        return None
    with TemporaryDirectory(prefix="sightline-parquet-") as folder:
        old, new = Path(folder) / "old.parquet", Path(folder) / "new.parquet"
        with old.open("wb") as file:
            for piece in bucket.read(bucket.bucket, key, 0, size):
                file.write(piece)
        with _parquet(key):
            removed, rows = _filter(old, new, lambda table: _mask(table, unwanted))
        if removed == 0:
            return Left(0, rows, size, sha256_of(old))
        if rows == 0:
            bucket.remove(bucket.bucket, [key])
            return Left(removed, 0, 0, "")
        sha256 = sha256_of(new)
        bucket.put_file(key, new, sha256)
        return Left(removed, rows, new.stat().st_size, sha256)


@contextmanager
def _parquet(key: str) -> Iterator[None]:
    try:
        yield
    except pa.ArrowInvalid as error:
        raise Retryable(f"{key} is no Parquet file: put it right or remove it: {error}") from error


def _filter(old: Path, new: Path, unwanted: Callable[[pa.Table], pa.Array]) -> tuple[int, int]:
    """Copy a file row group by row group; return how many rows went, and how many are left."""
    removed = rows = 0
    with (
        pq.ParquetFile(old) as source,
        pq.ParquetWriter(new, source.schema_arrow, compression=COMPRESSION) as writer,
    ):
        for number in range(source.num_row_groups):
            table = source.read_row_group(number)
            left = table.filter(pc.invert(unwanted(table)))
            removed += table.num_rows - left.num_rows
            rows += left.num_rows
            if left.num_rows:
                writer.write_table(left)
    return removed, rows


def _mask(table: pa.Table, unwanted: Unwanted) -> pa.Array:
    found = pc.and_(
        pc.less(table[unwanted.at], _scalar(unwanted.to_at)),
        pc.greater_equal(table[unwanted.until], _scalar(unwanted.from_at)),
    )
    if unwanted.camera is not None:
        found = pc.and_(found, pc.equal(table["camera"], unwanted.camera))
    if unwanted.kept:
        events = pa.array(sorted(unwanted.kept), pa.string())
        found = pc.and_(found, pc.invert(pc.is_in(table["event_id"], value_set=events)))
    return pc.fill_null(found, False)


def _touches(group: pq.RowGroupMetaData, unwanted: Unwanted) -> bool:
    bounds = {
        column.path_in_schema: column.statistics
        for column in map(group.column, range(group.num_columns))
        if column.path_in_schema in (unwanted.at, unwanted.until)
    }
    starts, ends = bounds.get(unwanted.at), bounds.get(unwanted.until)
    if not (starts and ends and starts.has_min_max and ends.has_min_max):
        return True
    return bool(starts.min < unwanted.to_at and ends.max >= unwanted.from_at)


def _scalar(at: datetime) -> pa.Scalar:
    return pa.scalar(at, pa.timestamp("us", tz="UTC"))
