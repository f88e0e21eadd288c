"""A real PostgreSQL, Kafka and S3 service, started once; each test has a database of its own."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from consumers.store.migrate import migrate
from infra.local.stack import Stack, StackConfig
from infra.runtime.kafka import create_topics
from infra.runtime.settings import Settings
from schemas.topics import cloud_topics
from tests.contract.etl.cloud import Cloud


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    data_dir = Path(tempfile.mkdtemp(prefix="sightline-etl-"))
    data_dir.chmod(0o755)
    parts = frozenset({"edge-kafka", "postgres", "seaweedfs"})
    running = Stack(StackConfig(data_dir=data_dir, parts=parts))
    running.start()
    try:
        create_topics(running.endpoints.edge_kafka, cloud_topics())
        yield running
    finally:
        running.stop()
        shutil.rmtree(data_dir)


@pytest.fixture(scope="package")
def template(stack: Stack) -> str:
    """A database with all tables, to be copied."""
    dsn = stack.endpoints.postgres_dsn
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE DATABASE etl_template")
    migrate(_named(dsn, "etl_template"))
    return "etl_template"


@pytest.fixture
def settings(stack: Stack, template: str) -> Iterator[Settings]:
    """One broker plays the cloud's; the database is this test's."""
    ends = stack.endpoints
    name = f"etl_{uuid.uuid4().hex}"
    with psycopg.connect(ends.postgres_dsn, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE {template}')
    yield Settings(
        cloud_kafka=ends.edge_kafka,
        postgres_dsn=_named(ends.postgres_dsn, name),
        s3_url=ends.s3_url,
        s3_access_key=ends.s3_access_key,
        s3_secret_key=ends.s3_secret_key,
    )
    with psycopg.connect(ends.postgres_dsn, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def cloud(settings: Settings) -> Iterator[Cloud]:
    with psycopg.connect(settings.postgres_dsn, autocommit=True) as connection:
        yield Cloud(connection, settings.postgres_dsn)


def _named(dsn: str, database: str) -> str:
    return f"{dsn.rsplit('/', 1)[0]}/{database}"
