"""The analytics of a house: what its worker makes, and what lies in object storage."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pyarrow.parquet as pq

from consumers.etl.parquet.exporting import closed_partitions, export
from tests.contract.etl.cloud import Cloud
from tests.contract.keeping.house import NOW, House

Row = dict[str, Any]


class Lake(Cloud):
    """A house's rollups and Parquet."""

    def __init__(self, house: House) -> None:
        super().__init__(house.connection, house.dsn)
        self.bucket = house.analytics
        self.bucket.make()

    def work(self, now: datetime = NOW) -> None:
        """Compute and write what is due."""
        self.settle()
        for partition in closed_partitions(self.connection, now):
            assert export(self.connection, self.bucket, partition)

    def objects(self, dataset: str) -> dict[str, bytes]:
        """Return the objects of a data set by key."""
        listed = self.bucket._client.list_objects(self.bucket.bucket, recursive=True)
        names = [str(one.object_name) for one in listed]
        return {name: self._read(name) for name in names if f"/{dataset}/" in name}

    def parquet(self, dataset: str) -> list[Row]:
        """Return all rows of a data set."""
        return [row for content in self.objects(dataset).values() for row in _rows(content)]

    def remembered(self, dataset: str) -> dict[str, int]:
        """Return how many rows each object is said to have."""
        query = "SELECT object_key, rows FROM parquet_objects WHERE dataset = %s"
        return dict(self.rows(query, dataset))

    def _read(self, key: str) -> bytes:
        size = self.bucket.size(key)
        assert size is not None
        return b"".join(self.bucket.read(self.bucket.bucket, key, 0, size))


def _rows(content: bytes) -> Iterator[Row]:
    yield from pq.read_table(io.BytesIO(content)).to_pylist()
