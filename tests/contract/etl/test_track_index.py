from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from consumers.sinks.track_rows import TrackIndex
from consumers.sinks.tracks import TOPIC, run_track_index
from infra.local.stack import Stack
from infra.runtime.kafka import RecordProducer
from infra.runtime.service import Service
from infra.runtime.settings import Settings
from schemas.errors import Rejected
from schemas.records import Track
from tests.contract.consumers.consumer_parts import Running, dead_letters, eventually
from tests.contract.etl.cloud import Cloud, at
from tests.unit.consumers.etl.analytics_records import AT, track

Start = Callable[[], Running]


@pytest.fixture
def start(settings: Settings) -> Iterator[Start]:
    started: list[Running] = []

    def begin() -> Running:
        running = Running(Service("track-index", settings), run_track_index)
        started.append(running)
        return running

    yield begin
    for running in started:
        running.stop()


@pytest.fixture
def send(settings: Settings) -> Callable[..., None]:
    producer = RecordProducer(settings.cloud_kafka, "test")

    def send(*records: Track | bytes, key: str = "depot-7/gate") -> None:
        for record in records:
            if isinstance(record, bytes):
                producer.send_raw(TOPIC, record, key=key)
            else:
                producer.send(TOPIC, record, key=key)
        producer.flush()

    return send


def walk(**changes: Any) -> Track:
    fields: dict[str, Any] = {"zones": ("lawn",), "colours": ("red", "blue"), **changes}
    return track(str(uuid.uuid4()), AT, (0, 0.1, 0.9), (2.5, 0.4, 0.3), **fields)


def stored(cloud: Cloud, track_id: str) -> list[tuple[Any, ...]]:
    return cloud.rows("SELECT observations FROM tracks WHERE track_id = %s", track_id)


def test_a_track_becomes_a_row_with_its_path_and_area(
    cloud: Cloud, start: Start, send: Callable[..., None]
) -> None:
    cloud.organisation("acme", "depot-7")
    told = walk()
    send(told)
    start()
    eventually(lambda: stored(cloud, told.track_id))
    columns = "site, started_at, ended_at, path, area::text, zones, colours, organisation_id::text"
    ((site, started, ended, path, area, zones, colours, owner),) = cloud.rows(
        f"SELECT {columns} FROM tracks"
    )
    assert (site, zones, colours) == ("depot-7", ["lawn"], ["red", "blue"])
    assert (started, ended) == (at("2026-01-01"), at("2026-01-01T00:00:02.500"))
    assert path == [0.0, 0.1, 0.9, 2.5, 0.4, 0.3]
    assert area == "(0.4,0.9),(0.1,0.3)"
    assert owner is not None


def test_repeats_and_older_tellings_change_nothing(cloud: Cloud) -> None:
    newer = walk()
    older = replace(newer, ended_at=AT + 1000, observations=1)
    longer = replace(newer, ended_at=AT + 9000, observations=3)
    index = TrackIndex(cloud.dsn)
    for tellings in ([newer], [older], [newer, older, newer], [longer, newer]):
        index.store(tellings)
    index.close()
    assert stored(cloud, newer.track_id) == [(3,)]


def test_poison_goes_to_the_dead_letters_and_the_rest_goes_on(
    cloud: Cloud, settings: Settings, start: Start, send: Callable[..., None]
) -> None:
    key = f"depot-7/{uuid.uuid4()}"
    good = [walk() for _ in range(5)]
    bad = [
        b"no avro",
        walk(path=()),
        walk(ended_at=AT - 1),
        replace(walk(), started_at=10**18, ended_at=10**18),
        # Postgres alone finds out that no site is called so.
        walk(site="NO SITE"),
    ]
    send(*good[:2], *bad, *good[2:], key=key)
    start()
    eventually(lambda: len(cloud.rows("SELECT FROM tracks")) == len(good))
    eventually(lambda: len(dead_letters(settings.cloud_kafka, TOPIC, key)) == len(bad))
    letters = dead_letters(settings.cloud_kafka, TOPIC, key)
    reasons = [dict(letter.headers)["reason"] for letter in letters]
    assert reasons == [b"wrong-magic", b"no-path", b"bad-time", b"bad-time", b"refused"]


def test_while_postgres_is_away_nothing_is_lost(
    stack: Stack, settings: Settings, start: Start, send: Callable[..., None]
) -> None:
    running = start()
    stack.stop_part("postgres")
    try:
        told = [walk() for _ in range(20)]
        send(*told)
        problem = eventually(lambda: running.service.health().get("track-index"))
        assert settings.postgres_dsn.split(":")[2].split("@")[0] not in problem
    finally:
        stack.start_part("postgres")
    with psycopg.connect(settings.postgres_dsn, autocommit=True) as connection:
        cloud = Cloud(connection, settings.postgres_dsn)
        eventually(lambda: len(cloud.rows("SELECT FROM tracks")) == len(told))
    eventually(lambda: not running.service.health())


def test_of_a_batch_all_are_stored_or_none(cloud: Cloud) -> None:
    index = TrackIndex(cloud.dsn)
    with pytest.raises(Rejected):
        index.store([walk(), walk(site="NO SITE")])
    index.close()
    assert cloud.rows("SELECT FROM tracks") == []
