"""A real Kafka and PostgreSQL, started once for these tests, and receivers of every kind."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from consumers.notify.reading import TOPIC
from consumers.notify.run import run_notify
from consumers.store.migrate import migrate
from infra.local.stack import Stack, StackConfig
from infra.runtime.kafka import create_topics, read_all
from infra.runtime.service import Service
from infra.runtime.settings import Settings
from schemas.errors import Retryable
from schemas.topics import cloud_topics
from tests.access_helpers import SECRET_KEY
from tests.contract.consumers.consumer_parts import Running, eventually
from tests.contract.notify.house import House
from tests.contract.notify.receivers import Hook

Start = Callable[..., Running]


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    data_dir = Path(tempfile.mkdtemp(prefix="sightline-notify-"))
    data_dir.chmod(0o755)
    parts = frozenset({"edge-kafka", "postgres"})
    running = Stack(StackConfig(data_dir=data_dir, parts=parts))
    running.start()
    try:
        create_topics(running.endpoints.edge_kafka, cloud_topics())
        eventually(lambda: _answers(running.endpoints.edge_kafka))
        migrate(running.endpoints.postgres_dsn)
        yield running
    finally:
        running.stop()
        shutil.rmtree(data_dir)


@pytest.fixture(scope="package")
def settings(stack: Stack) -> Settings:
    """One broker plays the cloud's; targets on this machine are allowed."""
    return Settings(
        cloud_kafka=stack.endpoints.edge_kafka,
        postgres_dsn=stack.endpoints.postgres_dsn,
        secret_key=SECRET_KEY,
        public_url="https://cloud.example",
        notify_private="true",
        s3_url="https://objects.example",
        s3_access_key="us",
        s3_secret_key="a secret of tests",
    )


@pytest.fixture
def house(settings: Settings) -> Iterator[House]:
    """An organisation of its own with one site."""
    made = House(settings)
    yield made
    made.close()


@pytest.fixture
def start(settings: Settings) -> Iterator[Start]:
    """Starts the process in a thread; all are stopped after the test."""
    started: list[Running] = []

    def begin(**changes: str) -> Running:
        running = Running(Service("notify", replace(settings, **changes)), run_notify)
        started.append(running)
        return running

    yield begin
    for running in started:
        running.stop()


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A receiver of webhooks."""
    with Hook() as running:
        yield running


def _answers(bootstrap: str) -> bool:
    try:
        return not read_all(bootstrap, TOPIC)
    except Retryable:
        return False
