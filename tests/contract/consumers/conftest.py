"""A real Kafka, PostgreSQL and S3 service, started once for these tests."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from consumers.store.migrate import migrate
from infra.local.stack import Stack, StackConfig
from infra.runtime.kafka import create_topics
from infra.runtime.service import Service
from infra.runtime.settings import Settings
from schemas.topics import site_topics
from tests.contract.consumers.consumer_parts import SITE, Running, eventually, have_leaders


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    data_dir = Path(tempfile.mkdtemp(prefix="sightline-consumers-"))
    data_dir.chmod(0o755)
    parts = frozenset({"edge-kafka", "postgres", "seaweedfs"})
    running = Stack(StackConfig(data_dir=data_dir, parts=parts))
    running.start()
    try:
        create_topics(running.endpoints.edge_kafka, site_topics(SITE))
        eventually(lambda: have_leaders(running.endpoints.edge_kafka))
        yield running
    finally:
        running.stop()
        shutil.rmtree(data_dir)


@pytest.fixture(scope="package")
def settings(stack: Stack) -> Settings:
    """One broker plays both sides."""
    ends = stack.endpoints
    return Settings(
        site=SITE,
        edge_kafka=ends.edge_kafka,
        cloud_kafka=ends.edge_kafka,
        postgres_dsn=ends.postgres_dsn,
        s3_url=ends.s3_url,
        s3_access_key=ends.s3_access_key,
        s3_secret_key=ends.s3_secret_key,
        s3_bucket=ends.s3_bucket,
    )


@pytest.fixture(scope="package")
def dsn(settings: Settings) -> str:
    """A database with all tables."""
    migrate(settings.postgres_dsn)
    return settings.postgres_dsn


@pytest.fixture
def start(settings: Settings) -> Iterator[Callable[..., Running]]:
    """Starts a process's main function in a thread; all are stopped after the test."""
    started: list[Running] = []

    def begin(main: Callable[[Service], None], **changes: str) -> Running:
        running = Running(Service(main.__name__, replace(settings, **changes)), main)
        started.append(running)
        return running

    yield begin
    for running in started:
        running.stop()
