"""A real Kafka and PostgreSQL, started once for these tests, and processes that serve streams."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from consumers.store.migrate import migrate
from infra.local.stack import Stack, StackConfig
from infra.runtime.kafka import RecordProducer, create_topics
from infra.runtime.settings import Settings
from schemas.topics import cloud_topics
from tests.access_helpers import Account, account, api_settings, give_site
from tests.contract.realtime.stream_parts import PAGE, Process, Site, process


@pytest.fixture(scope="package")
def settings() -> Iterator[Settings]:
    data_dir = Path(tempfile.mkdtemp(prefix="sightline-realtime-"))
    data_dir.chmod(0o755)
    stack = Stack(StackConfig(data_dir=data_dir, parts=frozenset({"cloud-kafka", "postgres"})))
    stack.start()
    try:
        ends = stack.endpoints
        create_topics(ends.cloud_kafka, cloud_topics())
        migrate(ends.postgres_dsn)
        yield api_settings(ends.postgres_dsn, cloud_kafka=ends.cloud_kafka, public_url=PAGE)
    finally:
        stack.stop()
        shutil.rmtree(data_dir)


@pytest.fixture(scope="package")
def producer(settings: Settings) -> RecordProducer:
    return RecordProducer(settings.cloud_kafka, "a site", linger_ms=0)


@pytest.fixture
def owner(settings: Settings) -> Account:
    return account(settings.postgres_dsn)


@pytest.fixture
def site(settings: Settings, producer: RecordProducer, owner: Account) -> Site:
    """A site of its own for each test, owned before anything follows."""
    name = f"depot-{uuid.uuid4().hex[:8]}"
    give_site(settings.postgres_dsn, name, owner.organisation_id)
    return Site(name, producer)


@pytest.fixture
def start(settings: Settings) -> Iterator[Callable[[], Process]]:
    """Starts a process that serves streams; all are stopped after the test."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(process(settings))


@pytest.fixture
def server(start: Callable[[], Process], site: Site) -> Process:
    """A process that began when the site was owned already."""
    return start()
