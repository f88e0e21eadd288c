from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import psycopg
import pytest
from minio import Minio

from consumers.etl.parquet.bucket import AnalyticsBucket
from consumers.etl.parquet.datasets import DATASETS
from consumers.etl.parquet.exporting import closed_partitions, export
from infra.runtime.settings import Settings
from schemas.errors import Retryable
from tests.contract.consumers.store_rows import event, verdict
from tests.contract.etl.cloud import Cloud, at
from tests.unit.consumers.etl.analytics_records import AT, count, health, track

DAY_MS = 86_400_000
NOW = at("2026-01-10T00:00")


class Lake:
    """The analytics bucket of one test, and a DuckDB that reads copies of its objects."""

    def __init__(self, settings: Settings, cloud: Cloud, folder: Path) -> None:
        self.bucket = AnalyticsBucket.from_settings(settings)
        self.bucket.make()
        self._cloud = cloud
        self._folder = folder
        self.client = Minio(
            urlsplit(settings.s3_url).netloc,
            settings.s3_access_key,
            settings.s3_secret_key,
            secure=False,
        )

    def export(self) -> list[str]:
        """Write what is due; return the names of the days' subjects."""
        partitions = closed_partitions(self._cloud.connection, NOW)
        assert all(export(self._cloud.connection, self.bucket, one) for one in partitions)
        return sorted({one.subject for one in partitions})

    def objects(self) -> dict[str, str]:
        """Return the hash of each object's content."""
        listed = self.client.list_objects(self.bucket.bucket, recursive=True)
        return {str(found.object_name): str(found.etag) for found in listed}

    def ask(self, dataset: str, columns: str, organisation: str = "*") -> list[tuple[Any, ...]]:
        """Fetch the objects, and ask DuckDB about a data set as docs/analytics.md shows."""
        folder = self._folder / f"copy-{threading.get_ident()}-{len(list(self._folder.iterdir()))}"
        for name in self.objects():
            self.client.fget_object(self.bucket.bucket, name, str(folder / name))
        files = f"{folder}/organisation={organisation}/{dataset}/*/*/*.parquet"
        query = f"FROM read_parquet('{files}', hive_partitioning = true) ORDER BY ALL"
        with duckdb.connect() as connection:
            return connection.execute(f"SELECT {columns} {query}").fetchall()


@pytest.fixture
def lake(settings: Settings, cloud: Cloud, tmp_path: Path) -> Iterator[Lake]:
    own = replace(settings, analytics_bucket=f"lake-{cloud.dsn.rpartition('_')[2][:20]}")
    yield Lake(own, cloud, tmp_path)


def fill(cloud: Cloud, site: str = "depot-7") -> None:
    place = {"site": site}
    cloud.arrive(
        event(f"{site}-e", **place, opened_at=AT, at=AT, tracks='["t-1", "t-2"]'),
        verdict(f"{site}-c", **place, matched_at=AT),
        count(AT, **place, forward=3),
        count(AT + DAY_MS, **place, forward=4),
        track(f"{site}-t", AT, (0, 0.1, 0.2), (2, 0.3, 0.4), **place),
        health(AT, site=site),
    )
    cloud.settle()


def test_duckdb_reads_what_postgres_holds(cloud: Cloud, lake: Lake) -> None:
    organisation = cloud.organisation("acme", "depot-7")
    fill(cloud)
    lake.export()
    assert lake.ask("counts", "site, day::text, camera, minute_at, forward", organisation) == [
        ("depot-7", "2026-01-01", "gate", at("2026-01-01T00:00"), 3),
        ("depot-7", "2026-01-02", "gate", at("2026-01-02T00:00"), 4),
    ]
    assert lake.ask("events", "event_id, tracks, closed_at, label") == [
        ("depot-7-e", ["t-1", "t-2"], None, None)
    ]
    assert lake.ask("tracks", "path[2].x, path[2].offset_s, zones") == [(0.3, 2.0, [])]
    assert lake.ask("verdicts", "verdict, reasons->0->>'check'") == [("accepted", "moved")]
    grains = lake.ask("rollup_counts", "day::text, grain, forward")
    assert grains == [
        ("2026-01-01", "day", 3),
        ("2026-01-01", "hour", 3),
        ("2026-01-01", "local_day", 3),
        ("2026-01-02", "day", 4),
        ("2026-01-02", "hour", 4),
        ("2026-01-02", "local_day", 4),
    ]
    # Each cell is rounded to a millisecond.
    seen_s = "DISTINCT round(list_sum(cells) / 1000, 2), len(cells)"
    assert lake.ask("rollup_heat", seen_s) == [(2.0, 576)]
    written = {name.split("/")[1] for name in lake.objects()}
    assert written == DATASETS.keys()


def test_a_day_is_written_when_it_is_over_and_again_when_it_changes(
    cloud: Cloud, lake: Lake
) -> None:
    cloud.organisation("acme", "depot-7")
    today = count(round(NOW.timestamp() * 1000), forward=7)
    cloud.arrive(count(AT), today)
    cloud.settle()
    assert lake.export() == ["counts"]
    before = lake.objects()
    assert not any("2026-01-10" in name for name in before)
    # The same once more changes no byte; something late changes its day alone.
    cloud.rebuild(at("2026-01-01"), at("2026-01-05"))
    lake.export()
    assert lake.objects() == before
    cloud.arrive(count(AT + 3 * 3_600_000, forward=9), count(AT + 2 * DAY_MS))
    cloud.settle()
    lake.export()
    after = lake.objects()
    assert {name for name in after if after[name] != before.get(name)} == {
        name.replace("day=2026-01-01", f"day={day}")
        for name in before
        for day in ("2026-01-01", "2026-01-03")
    }
    assert [row[0] for row in lake.ask("counts", "sum(forward)")] == [11]


def test_a_local_day_is_written_when_its_own_end_is_over(cloud: Cloud, lake: Lake) -> None:
    cloud.organisation("acme", "depot-7", timezone="America/New_York")
    cloud.arrive(count(AT + 20 * 3_600_000))
    cloud.settle()
    lake.export()
    rows = lake.ask("rollup_counts", "day::text, grain")
    assert rows == [("2026-01-01", "day"), ("2026-01-01", "hour"), ("2026-01-02", "local_day")]


def test_tenants_have_prefixes_of_their_own_and_a_site_takes_its_days_along(
    cloud: Cloud, lake: Lake
) -> None:
    first = cloud.organisation("one", "depot-7")
    second = cloud.organisation("two", "other")
    for site in ("depot-7", "other", "nobodys"):
        fill(cloud, site)
    lake.export()
    for organisation, site in ((first, "depot-7"), (second, "other")):
        assert lake.ask("counts", "DISTINCT site", organisation) == [(site,)]
    assert not any("site=nobodys" in name for name in lake.objects())
    # Of the first day no rows are left: its objects move as they are.
    cloud.connection.execute("SELECT sightline_note_horizon('counts', 1, %s)", [at("2026-01-03")])
    cloud.connection.execute("DELETE FROM counts WHERE minute_at < %s", [at("2026-01-02")])
    cloud.connection.execute("SELECT sightline_give_site('depot-7', %s)", [second])
    lake.export()
    assert lake.ask("counts", "site, day::text, forward", second) == [
        ("depot-7", "2026-01-01", 3),
        ("depot-7", "2026-01-02", 4),
        ("other", "2026-01-01", 3),
        ("other", "2026-01-02", 4),
    ]
    assert not any(first in name for name in lake.objects())


def test_what_retention_removed_stays_in_the_lake_and_what_was_erased_does_not(
    cloud: Cloud, lake: Lake
) -> None:
    cloud.organisation("acme", "depot-7")
    fill(cloud)
    lake.export()
    cloud.connection.execute("SELECT sightline_note_horizon('counts', 1, %s)", [at("2026-01-03")])
    cloud.connection.execute("DELETE FROM counts WHERE minute_at < %s", [at("2026-01-02")])
    cloud.connection.execute("DELETE FROM tracks")
    cloud.arrive(count(AT, sensor="late"))
    cloud.settle()
    lake.export()
    assert lake.ask("counts", "sensor, forward") == [("line", 3), ("line", 4)]
    names = [name.split("/")[1] for name in lake.objects()]
    assert "counts" in names
    assert not {"tracks", "rollup_tracks", "rollup_heat"} & set(names)


def test_while_object_storage_is_away_marks_stay(
    cloud: Cloud, lake: Lake, settings: Settings
) -> None:
    cloud.organisation("acme", "depot-7")
    fill(cloud)
    away = AnalyticsBucket("http://127.0.0.1:1", "user", "secret-word", "none")
    (first, *_) = closed_partitions(cloud.connection, NOW)
    with pytest.raises(Retryable) as failed:
        export(cloud.connection, away, first)
    assert "secret-word" not in str(failed.value)
    assert closed_partitions(cloud.connection, NOW)[0] == first
    lake.export()
    assert closed_partitions(cloud.connection, NOW) == []


def test_two_workers_share_the_days(cloud: Cloud, lake: Lake) -> None:
    cloud.organisation("acme", "depot-7")
    fill(cloud)
    (first, *_) = closed_partitions(cloud.connection, NOW)
    with psycopg.connect(cloud.dsn) as other, other.transaction():
        assert export(other, lake.bucket, first)
        assert not export(cloud.connection, lake.bucket, first)
    assert first not in closed_partitions(cloud.connection, NOW)


def test_nothing_of_a_day_that_goes_on_is_due(cloud: Cloud) -> None:
    cloud.organisation("acme", "depot-7")
    fill(cloud)
    over = at("2026-01-02T02:00")
    assert closed_partitions(cloud.connection, over - timedelta(seconds=1)) == []
    assert {one.day.isoformat() for one in closed_partitions(cloud.connection, over)} == {
        "2026-01-01"
    }
