"""Rows of Postgres into a Parquet file, a piece at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from consumers.etl.parquet.datasets import DataSet

ROWS_AT_ONCE = 20_000
COMPRESSION = "zstd"


def write_file(path: Path, dataset: DataSet, pieces: Iterable[Sequence[tuple[Any, ...]]]) -> int:
    """Write the rows, a row group for each piece, and return how many they were.

    The same rows in the same pieces give the same bytes.
    """
    rows = 0
    with pq.ParquetWriter(path, dataset.schema, compression=COMPRESSION) as writer:
        for piece in pieces:
            writer.write_batch(_batch(dataset.schema, piece))
            rows += len(piece)
    return rows


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _batch(schema: pa.Schema, rows: Sequence[tuple[Any, ...]]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    arrays = [
        pa.array([_points(path) for path in values] if field.name == "path" else values, field.type)
        for field, values in zip(schema, columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _points(path: Sequence[float]) -> list[dict[str, float]]:
    """Return the points of a path that is stored as three numbers for each."""
    return [
        {"offset_s": path[at], "x": path[at + 1], "y": path[at + 2]}
        for at in range(0, len(path), 3)
    ]
