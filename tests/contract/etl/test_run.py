"""The whole process: tracks from Kafka, rollups, Parquet; with stores away; two side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
from prometheus_client import REGISTRY
from typer.testing import CliRunner

from consumers.etl import working
from consumers.etl.run import run_etl
from consumers.etl.watching import watch_fleet
from consumers.sinks.tracks import TOPIC
from infra.cli import etl
from infra.cli.main import build
from infra.local.stack import Stack
from infra.runtime.kafka import RecordProducer
from infra.runtime.service import Service
from infra.runtime.settings import Settings
from schemas.errors import Fatal
from tests.contract.consumers.consumer_parts import Running, eventually
from tests.contract.etl.cloud import Cloud, at
from tests.unit.consumers.etl.analytics_records import AT, count, health, track


@pytest.fixture
def two_workers(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Running]]:
    """Two processes beside each other that wait for nothing."""
    monkeypatch.setattr(working, "EVERY_S", dict.fromkeys(working.EVERY_S, 0.2))
    monkeypatch.setattr("consumers.etl.run.EVERY_S", dict.fromkeys(working.EVERY_S, 0.2))
    started = [
        Running(Service("etl", replace(settings, worker=worker)), run_etl)
        for worker in ("w1", "w2")
    ]
    yield started
    for running in started:
        running.stop()


def test_from_kafka_to_rollups_and_objects(
    cloud: Cloud, settings: Settings, two_workers: list[Running]
) -> None:
    cloud.organisation("acme", "depot-7")
    producer = RecordProducer(settings.cloud_kafka, "test")
    for number in range(50):
        told = track(f"run-{number}", AT + number * 1000, (0, 0.1, 0.1), (3, 0.2, 0.2))
        producer.send(TOPIC, told, key="depot-7/gate")
    producer.flush()
    cloud.arrive(count(AT))
    tracks = "SELECT tracks FROM rollup_tracks WHERE grain = 'day'"
    eventually(lambda: cloud.rows(tracks) == [(50,)])
    objects = "SELECT dataset, rows FROM parquet_objects WHERE dataset IN ('tracks', 'counts')"
    eventually(lambda: sorted(cloud.rows(objects)) == [("counts", 1), ("tracks", 50)])
    eventually(lambda: cloud.rows("SELECT FROM rollup_marks") == [])
    assert [running.service.health() for running in two_workers] == [{}, {}]


@pytest.mark.parametrize("part", ["postgres", "seaweedfs"])
def test_while_a_store_is_away_the_process_waits_and_goes_on(
    part: str, stack: Stack, settings: Settings, two_workers: list[Running]
) -> None:
    def something_to_write() -> None:
        with psycopg.connect(settings.postgres_dsn, autocommit=True) as connection:
            cloud = Cloud(connection, settings.postgres_dsn)
            cloud.organisation("acme", "depot-7")
            cloud.arrive(count(AT))

    stack.stop_part(part)
    try:
        if part == "seaweedfs":
            # Without anything to write nobody asks whether it is there.
            something_to_write()
        eventually(lambda: all(running.service.health() for running in two_workers))
        for running in two_workers:
            assert settings.s3_secret_key not in str(running.service.health())
            assert settings.postgres_dsn.split(":")[2].split("@")[0] not in str(
                running.service.health()
            )
    finally:
        stack.start_part(part)
    if part == "postgres":
        something_to_write()
    with psycopg.connect(settings.postgres_dsn, autocommit=True) as connection:
        cloud = Cloud(connection, settings.postgres_dsn)
        written = "SELECT dataset FROM parquet_objects WHERE dataset = 'counts'"
        eventually(lambda: cloud.rows(written))
    eventually(lambda: not any(running.service.health() for running in two_workers))


def test_without_tables_it_ends_and_says_what_to_do(settings: Settings, stack: Stack) -> None:
    empty = settings.postgres_dsn.rsplit("/", 1)[0] + "/postgres"
    service = Service("etl", replace(settings, postgres_dsn=empty))
    with pytest.raises(Fatal, match="sightline migrate"):
        run_etl(service)


def test_the_fleet_in_figures(cloud: Cloud, settings: Settings) -> None:
    cloud.arrive(health(AT), health(AT, "offline", name="yard"), health(AT, site="far"))
    watch_fleet(cloud.connection)

    def value(name: str, **labels: str) -> float | None:
        return REGISTRY.get_sample_value(name, labels)

    assert value("sightline_cameras", site="depot-7", state="online") == 1
    assert value("sightline_cameras", site="depot-7", state="offline") == 1
    silent_s = value("sightline_site_silent_seconds", site="far")
    assert silent_s is not None and silent_s > 1000
    cloud.connection.execute("DELETE FROM health WHERE site = 'far'")
    watch_fleet(cloud.connection)
    assert value("sightline_site_silent_seconds", site="far") is None


def test_the_command_rebuilds_and_refuses_what_is_no_span(
    cloud: Cloud, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(etl, "connect", lambda _: settings)
    cloud.arrive(count(AT, forward=6))
    app, runner = build("etl"), CliRunner()
    done = runner.invoke(app, ["etl", "rebuild", "--from", "2026-01-01", "--to", "2026-01-02"])
    assert done.exit_code == 0
    assert "2026-01-01 counts: rows changed: rollup_counts 3" in done.stdout
    assert cloud.rows("SELECT forward FROM rollup_counts WHERE bucket_at = %s AND grain = 'day'",
                      at("2026-01-01")) == [(6,)]  # fmt: skip
    for arguments in (
        ["--from", "tomorrow", "--to", "2026-01-02"],
        ["--from", "2026-01-02", "--to", "2026-01-02"],
        ["--from", "0001-01-01", "--to", "2026-01-02"],
    ):
        with pytest.raises(Fatal):
            runner.invoke(app, ["etl", "rebuild", *arguments], catch_exceptions=False)
