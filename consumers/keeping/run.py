"""The housekeeper: partitions ahead of time, retention, erasures. Any number may run; one works."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from prometheus_client import Counter as Metric
from prometheus_client import Gauge
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from consumers.etl.parquet.bucket import AnalyticsBucket
from consumers.keeping.erasing import due, erase
from consumers.keeping.erasure import Erasure
from consumers.keeping.sweeping import Connection, sweep
from consumers.sinks.objects import ObjectStore
from consumers.store.address import check_address, no_answer
from infra.runtime.service import Service
from schemas.errors import Retryable

DATABASE = "sightline"
AHEAD = timedelta(days=7)
BEHIND = timedelta(days=2)
"""Days around today that have partitions of their own."""
LOCK = 0x51_67_68_6B
"""Key of the advisory lock: one housekeeper works."""
ERASE_EVERY_S = 5.0
AGAIN_EVERY_S = 3600.0
"""Erasures in force are carried out again."""
SWEEP_EVERY_S = 6 * 3600.0
RETRY_S = 10.0
REMOVED = Metric("sightline_kept_removed_total", "Rows removed by retention or erasure.", ["table"])
SWEPT = Gauge("sightline_kept_swept_timestamp_seconds", "When retention last went through.")


def run_keeping(service: Service) -> None:
    """Keep house until the service stops.

    Raises:
        Fatal: a setting is missing.
    """
    settings = service.settings
    keeper = Keeper(
        settings.need("postgres_dsn"),
        ObjectStore.from_settings(settings),
        AnalyticsBucket.from_settings(settings),
        settings.need("mongo_url"),
    )
    problem: list[str] = []
    service.checks["keeping"] = lambda: problem[0] if problem else None
    try:
        while not service.stopping.is_set():
            try:
                removed = keeper.turn(time.monotonic(), datetime.now(UTC))
                if removed.total():
                    service.log.info("removed", **dict(+removed))
                problem.clear()
            except Retryable as error:
                if not problem:
                    service.log.warning("housekeeping waits", error=str(error))
                problem[:] = [str(error)]
                service.stopping.wait(RETRY_S)
            service.stopping.wait(ERASE_EVERY_S)
    finally:
        keeper.close()


class Keeper:
    """What a housekeeper does, and when it last did it."""

    def __init__(
        self, dsn: str, objects: ObjectStore, analytics: AnalyticsBucket, mongo_url: str
    ) -> None:
        check_address(dsn)
        self._dsn = dsn
        self._objects = objects
        self._analytics = analytics
        self._mongo: MongoClient[dict[str, Any]] = MongoClient(
            mongo_url, serverSelectionTimeoutMS=5000, connect=False
        )
        self._swept_s = self._erased_s = float("-inf")

    def turn(self, now_s: float, now: datetime) -> Counter[str]:
        """Do what is due; return how many rows went of each table.

        Raises:
            Retryable: a store does not answer; the next turn goes on.
        """
        removed: Counter[str] = Counter()
        with self._working() as connection:
            if connection is None:
                return removed
            if now_s - self._swept_s >= SWEEP_EVERY_S:
                make_partitions(connection, now)
                removed += sweep(connection, self._objects, now)
                self._swept_s = now_s
                SWEPT.set(now.timestamp())
            again = now_s - self._erased_s >= AGAIN_EVERY_S
            for erasure in due(connection, now):
                if again or erasure.state == "waiting":
                    removed += self._erase(connection, erasure, now)
            if again:
                self._erased_s = now_s
        for table, rows in removed.items():
            REMOVED.labels(table).inc(rows)
        return removed

    def close(self) -> None:
        """Let the connections go."""
        self._mongo.close()

    @contextmanager
    def _working(self) -> Iterator[Connection | None]:
        """Yield a connection while this housekeeper is the one that works, else None."""
        try:
            with psycopg.connect(self._dsn, autocommit=True, connect_timeout=5) as connection:
                row = connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()
                yield connection if row and row[0] else None
        except psycopg.OperationalError as error:
            raise no_answer(error) from error

    def _erase(self, connection: Connection, erasure: Erasure, now: datetime) -> Counter[str]:
        return erase(
            connection, self._objects, self._analytics, self._erase_documents, erasure, now
        )

    def _erase_documents(self, erasure: Erasure) -> int:
        wanted: dict[str, Any] = {
            "site": erasure.site,
            "started_at": {"$lt": erasure.to_at},
            "ended_at": {"$gte": erasure.from_at},
        }
        if erasure.camera is not None:
            wanted["camera"] = erasure.camera
        try:
            return self._mongo[DATABASE]["tracks"].delete_many(wanted).deleted_count
        except PyMongoError as error:
            raise Retryable(f"the document store did not remove tracks: {error}") from error


def make_partitions(connection: Connection, now: datetime) -> None:
    """Make the partitions of the days around ``now``."""
    today = now.astimezone(UTC).date()
    connection.execute("SELECT sightline_make_partitions(%s, %s)", [today - BEHIND, today + AHEAD])
