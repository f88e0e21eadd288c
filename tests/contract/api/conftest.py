"""The API as a server over a real PostgreSQL, Kafka, Mongo-wire server and S3 service."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from consumers.store.migrate import migrate
from infra.local.stack import Stack, StackConfig
from infra.runtime.kafka import create_topics
from infra.runtime.settings import Settings
from schemas.topics import cloud_topics
from tests.access_helpers import SECRET_KEY, serving
from tests.contract.api.tenants import Tenant


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    data_dir = Path(tempfile.mkdtemp(prefix="sightline-api-"))
    data_dir.chmod(0o755)
    parts = frozenset({"edge-kafka", "mongo", "postgres", "seaweedfs"})
    running = Stack(StackConfig(data_dir=data_dir, parts=parts))
    running.start()
    try:
        yield running
    finally:
        running.stop()
        shutil.rmtree(data_dir)


@pytest.fixture(scope="package")
def settings(stack: Stack) -> Settings:
    ends = stack.endpoints
    migrate(ends.postgres_dsn)
    create_topics(ends.edge_kafka, cloud_topics())
    return Settings(
        cloud_kafka=ends.edge_kafka,
        postgres_dsn=ends.postgres_dsn,
        mongo_url=ends.mongo_url,
        s3_url=ends.s3_url,
        s3_access_key=ends.s3_access_key,
        s3_secret_key=ends.s3_secret_key,
        s3_bucket=ends.s3_bucket,
        secret_key=SECRET_KEY,
    )


@pytest.fixture(scope="package")
def url(settings: Settings) -> Iterator[str]:
    with serving(settings) as address:
        yield address


@pytest.fixture
def tenant(settings: Settings, url: str) -> Iterator[Tenant]:
    """An organisation of the test's own, with one site and an owner's key."""
    with Tenant(settings.postgres_dsn, url) as made:
        yield made
