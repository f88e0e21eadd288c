"""A cloud's stores with events of a few days ago, and a housekeeper."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import psycopg
from minio import Minio
from pymongo import MongoClient

from consumers.etl.parquet.bucket import AnalyticsBucket
from consumers.keeping.run import LOCK, Keeper
from consumers.keeping.sweeping import partitions
from consumers.sinks.index_rows import EvidenceIndex
from consumers.sinks.objects import ObjectStore, object_key
from infra.local.state import Endpoints
from tests.contract.consumers.store_rows import event, upsert, verdict
from tests.unit.consumers.evidence_records import evidence_record

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


class House:
    """Stores and housekeeper; ``ago`` is a time before ``NOW``."""

    def __init__(self, ends: Endpoints, dsn: str) -> None:
        self.objects = ObjectStore(
            ends.s3_url, ends.s3_access_key, ends.s3_secret_key, ends.s3_bucket
        )
        # Each database has a bucket of its own.
        self.analytics = AnalyticsBucket(
            *(ends.s3_url, ends.s3_access_key, ends.s3_secret_key),
            f"lake-{dsn.rpartition('_')[2]}",
        )
        self._s3 = Minio(
            urlsplit(ends.s3_url).netloc, ends.s3_access_key, ends.s3_secret_key, secure=False
        )
        self.connection: psycopg.Connection[Any] = psycopg.connect(dsn, autocommit=True)
        self.dsn, self.mongo_url = dsn, ends.mongo_url
        self._index = EvidenceIndex(dsn)
        self._mongo: MongoClient[dict[str, Any]] = MongoClient(ends.mongo_url)
        self.tracks = self._mongo["sightline"]["tracks"]
        self.tracks.delete_many({})
        self.keeper = Keeper(dsn, self.objects, self.analytics, ends.mongo_url)
        self._turns = 0

    def close(self) -> None:
        self.keeper.close()
        self._index.close()
        self._mongo.close()
        self.connection.close()

    def organisation(self, slug: str, *sites: str, **days: int) -> uuid.UUID:
        """Make an organisation with these sites and retentions."""
        organisation_id = uuid.uuid4()
        self.connection.execute(
            "INSERT INTO organisations (organisation_id, slug, name) VALUES (%s, %s, %s)",
            [organisation_id, slug, slug],
        )
        for site in sites:
            self.connection.execute("SELECT sightline_give_site(%s, %s)", [site, organisation_id])
        for kind, number in days.items():
            self.connection.execute(
                "INSERT INTO retention (organisation_id, kind, days, changed_by) "
                "VALUES (%s, %s, %s, 'test')",
                [organisation_id, kind, number],
            )
        return organisation_id

    def happen(self, site: str, ago: timedelta, camera: str = "gate") -> str:
        """Store an event with a candidate, a picture and a track, and return its id."""
        event_id = str(uuid.uuid4())
        at = round((NOW - ago).timestamp() * 1000)
        place: dict[str, Any] = {"site": site, "camera": camera}
        upsert(self.connection, "events", event(event_id, **place, opened_at=at, at=at))
        candidate = verdict(str(uuid.uuid4()), event_id=event_id, **place, matched_at=at)
        upsert(self.connection, "verdicts", candidate)
        picture = evidence_record(
            **place, event_id=event_id, evidence_id=str(uuid.uuid4()), from_at=at, to_at=at
        )
        self.objects.put(object_key(picture), picture)
        self._index.store(picture, self.objects.bucket, object_key(picture))
        self.track(event_id, site, NOW - ago, camera)
        return event_id

    def track(self, track_id: str, site: str, began: datetime, camera: str = "gate") -> None:
        ended = began + timedelta(seconds=30)
        self.connection.execute(
            "INSERT INTO tracks (track_id, site, camera, epoch_at, class_name, score_mean, "
            "score_max, observations, started_at, ended_at, path, area, zones, colours, "
            "config_version, model, model_version) VALUES (%s, %s, %s, %s, 'person', 0.5, 0.9, 3, "
            "%s, %s, '{0,0.1,0.1}', '(0,0),(1,1)', '{}', '{}', 1, 'm', '1')",
            [track_id, site, camera, began, began, ended],
        )
        self.tracks.insert_one(
            {
                "_id": {"track_id": track_id, "site": site},
                "track_id": track_id,
                "site": site,
                "camera": camera,
                "started_at": began,
                "ended_at": ended,
            }
        )

    def keep(self, now: datetime = NOW) -> dict[str, int]:
        """Let the housekeeper do everything; return what it removed."""
        self._turns += 1
        return dict(+self.keeper.turn(self._turns * 1e6, now))

    def ids(self, table: str = "events") -> set[str]:
        """Return the events that a table knows."""
        query = f"SELECT DISTINCT event_id FROM {table}"
        return {event_id for (event_id,) in self.connection.execute(query)}

    def track_ids(self) -> set[str]:
        return {track for (track,) in self.connection.execute("SELECT track_id FROM tracks")}

    def count(self, table: str) -> int:
        row = self.connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        assert row is not None
        return int(row[0])

    def partitions(self, table: str) -> set[str]:
        return set(partitions(self.connection, table))

    def stored_objects(self) -> dict[str, str]:
        """Return the key of each event's picture."""
        return dict(self.connection.execute("SELECT event_id, object_key FROM evidence"))

    def exists(self, key: str) -> bool:
        return any(self._s3.list_objects(self.objects.bucket, prefix=key))

    def pictures(self) -> int:
        """Return how many rows of evidence have their object."""
        return sum(self.exists(key) for key in self.stored_objects().values())

    def hold(self, event_id: str) -> None:
        self.connection.execute(
            "INSERT INTO holds (organisation_id, event_id, site, camera, reason, placed_by) "
            "SELECT organisation_id, event_id, site, camera, 'court', 'test' FROM events "
            "WHERE event_id = %s",
            [event_id],
        )

    def notify(self, organisation: uuid.UUID, event_id: str, status: str, state: str) -> None:
        """Note that somebody was told of an event, or is to be."""
        self.connection.execute(
            "INSERT INTO notify_deliveries (delivery_id, organisation_id, target_id, kind, "
            "event_id, event_state, content, status, due_at, give_up_at) "
            "VALUES (%s, %s, %s, 'event', %s, %s, '{}', %s, %s, %s)",
            [
                *(uuid.uuid4(), organisation, uuid.uuid4(), event_id, state),
                *(status, NOW, NOW + timedelta(days=1)),
            ],
        )

    def notified(self, event_id: str) -> set[tuple[str, bool]]:
        """Return the status of an event's notifications, and whether they tell what it was."""
        query = "SELECT status, content IS NOT NULL FROM notify_deliveries WHERE event_id = %s"
        return set(self.connection.execute(query, [event_id]).fetchall())

    def ask(
        self,
        organisation: uuid.UUID,
        site: str,
        camera: str | None,
        from_at: datetime,
        to_at: datetime,
    ) -> uuid.UUID:
        """Ask for an erasure."""
        erasure_id = uuid.uuid4()
        self.connection.execute(
            "INSERT INTO erasures (erasure_id, organisation_id, site, camera, from_at, to_at, "
            "reason, requested_by, requested_at) VALUES (%s, %s, %s, %s, %s, %s, 'law', 'test', %s)",
            [erasure_id, organisation, site, camera, from_at, to_at, NOW],
        )
        return erasure_id

    def report(self, erasure_id: uuid.UUID) -> tuple[str, dict[str, Any]]:
        row = self.connection.execute(
            "SELECT state, report FROM erasures WHERE erasure_id = %s", [erasure_id]
        ).fetchone()
        assert row is not None
        return row[0], row[1]

    @contextmanager
    def another_works(self) -> Iterator[None]:
        self.connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        yield
        self.connection.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
