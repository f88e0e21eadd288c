from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from minio import Minio
from psycopg.rows import dict_row

from consumers.sinks.evidence import TOPIC, run_evidence_sink
from infra.local.stack import Stack
from infra.runtime.kafka import RecordProducer
from infra.runtime.settings import Settings
from schemas.records import Evidence
from tests.contract.consumers.consumer_parts import SITE, Running, dead_letters, eventually

AT = 1_700_000_000_000
Start = Callable[..., Running]


def evidence(data: bytes, event_id: str, **changes: Any) -> Evidence:
    fields: dict[str, Any] = {
        "evidence_id": str(uuid.uuid4()),
        "site": SITE,
        "camera": "gate",
        "event_id": event_id,
        "kind": "clip",
        "status": "ok",
        "content_type": "video/mp4",
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
        "chunk": 0,
        "chunks": 1,
        "from_at": AT,
        "to_at": AT + 15_000,
        "revision": 2,
        "data": data,
    }
    return Evidence(**{**fields, **changes})


class Cloud:
    """What went in, and what came out."""

    def __init__(self, settings: Settings, dsn: str) -> None:
        self.settings = settings
        self._dsn = dsn
        self._producer = RecordProducer(settings.cloud_kafka, "test")
        self._s3 = Minio(
            urlsplit(settings.s3_url).netloc,
            settings.s3_access_key,
            settings.s3_secret_key,
            secure=False,
        )

    def send(self, *records: Evidence) -> None:
        for record in records:
            self._producer.send(TOPIC, record, key=record.event_id)
        self._producer.flush()

    def send_raw(self, value: bytes, key: str) -> None:
        self._producer.send_raw(TOPIC, value, key=key)
        self._producer.flush()

    def row(self, evidence_id: str) -> dict[str, Any] | None:
        with psycopg.connect(self._dsn, row_factory=dict_row) as connection:
            query = "SELECT * FROM evidence WHERE evidence_id = %s"
            return connection.execute(query, [evidence_id]).fetchone()

    def stored(self, evidence_id: str) -> bytes:
        row = eventually(lambda: self.row(evidence_id))
        answer = self._s3.get_object(row["bucket"], row["object_key"])
        try:
            headers = {name.lower(): value for name, value in answer.headers.items()}
            assert headers["x-amz-meta-sha256"] == row["sha256"]
            assert headers["content-type"] == row["content_type"]
            return answer.read()
        finally:
            answer.close()
            answer.release_conn()


@pytest.fixture
def cloud(settings: Settings, dsn: str) -> Cloud:
    return Cloud(settings, dsn)


@pytest.fixture
def event_id() -> str:
    return str(uuid.uuid4())


def test_an_object_and_its_row_are_stored_whole_out_of_chunks(
    cloud: Cloud, start: Start, event_id: str
) -> None:
    whole = bytes(range(256)) * 1024
    record = evidence(whole, event_id)
    third = len(whole) // 3
    parts = [whole[:third], whole[third : 2 * third], whole[2 * third :]]
    chunks = [
        evidence(
            part,
            event_id,
            evidence_id=record.evidence_id,
            sha256=record.sha256,
            size=record.size,
            chunk=number,
            chunks=3,
        )
        for number, part in enumerate(parts)
    ]
    # As after a kill of the maker: the first chunks, then all of them again.
    cloud.send(*chunks[:2], *chunks)
    start(run_evidence_sink)
    assert cloud.stored(record.evidence_id) == whole
    row = cloud.row(record.evidence_id)
    assert row is not None and row["object_key"].startswith(f"{SITE}/2023/11/14/{event_id}/")
    assert (row["size"], row["sha256"], row["status"]) == (len(whole), record.sha256, "ok")


def test_a_wrong_hash_goes_to_the_dead_letters_and_the_rest_goes_on(
    cloud: Cloud, start: Start, event_id: str
) -> None:
    bad, good = evidence(b"bad", event_id, sha256="0" * 64), evidence(b"good", event_id)
    cloud.send(bad)
    cloud.send_raw(b"no avro", event_id)
    cloud.send(good)
    start(run_evidence_sink)
    assert cloud.stored(good.evidence_id) == b"good"
    letters = dead_letters(cloud.settings.cloud_kafka, TOPIC, event_id)
    assert [dict(letter.headers)["reason"] for letter in letters] == [b"wrong-hash", b"wrong-magic"]
    assert cloud.row(bad.evidence_id) is None


def test_what_has_expired_is_a_row_without_an_object_and_gives_way_to_a_picture_only(
    cloud: Cloud, start: Start, event_id: str
) -> None:
    expired = evidence(
        *(b"", event_id),
        status="expired",
        reason="gone",
        sha256="",
        content_type="",
        revision=1,
    )
    cloud.send(expired)
    start(run_evidence_sink)
    row = eventually(lambda: cloud.row(expired.evidence_id))
    assert (row["status"], row["reason"], row["object_key"]) == ("expired", "gone", None)
    picture = evidence(b"picture", event_id, evidence_id=expired.evidence_id)
    marker = evidence(b"marker", event_id)
    cloud.send(picture, expired, marker)
    assert cloud.stored(marker.evidence_id) == b"marker"
    assert cloud.stored(expired.evidence_id) == b"picture"


@pytest.mark.parametrize("part", ["seaweedfs", "postgres"])
def test_while_a_store_is_away_nothing_is_lost(
    part: str, cloud: Cloud, start: Start, event_id: str, stack: Stack
) -> None:
    running = start(run_evidence_sink)
    before = evidence(b"before", event_id)
    cloud.send(before)
    assert cloud.stored(before.evidence_id) == b"before"
    stack.stop_part(part)
    try:
        records = [evidence(f"object {number}".encode(), event_id) for number in range(20)]
        cloud.send(*records)
        problem = eventually(lambda: running.service.health().get("evidence-sink"))
        assert cloud.settings.s3_secret_key not in problem
        assert urlsplit(cloud.settings.postgres_dsn).password not in (None, *problem.split())
    finally:
        stack.start_part(part)
    for number, record in enumerate(records):
        assert cloud.stored(record.evidence_id) == f"object {number}".encode()
    eventually(lambda: not running.service.health())
    assert dead_letters(cloud.settings.cloud_kafka, TOPIC, event_id) == []


def test_a_sink_that_starts_again_goes_on_where_it_was(
    cloud: Cloud, start: Start, event_id: str
) -> None:
    running = start(run_evidence_sink)
    first = evidence(b"first", event_id)
    cloud.send(first)
    cloud.stored(first.evidence_id)
    half = evidence(
        b"half", event_id, size=8, chunks=2, sha256=hashlib.sha256(b"halfhalf").hexdigest()
    )
    cloud.send(half)
    eventually(lambda: not running.service.health())
    running.stop()
    start(run_evidence_sink)
    cloud.send(
        evidence(
            *(b"half", event_id),
            evidence_id=half.evidence_id,
            sha256=half.sha256,
            size=8,
            chunk=1,
            chunks=2,
        )
    )
    assert cloud.stored(half.evidence_id) == b"halfhalf"
