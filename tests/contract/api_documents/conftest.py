"""A real Kafka for site and cloud, PostgreSQL, a Mongo-wire server, and the API as a server."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from consumers.store.migrate import migrate
from infra.local.stack import Stack, StackConfig
from infra.runtime.following import TopicFollower
from infra.runtime.kafka import create_topics
from infra.runtime.service import Service
from infra.runtime.settings import Settings
from schemas.codec import decode_as
from schemas.records import Receipt
from schemas.topics import site_topics
from tests.access_helpers import Account, account, api_settings, give_site, serving
from tests.contract.consumers.consumer_parts import Running, eventually, have_leaders
from tests.contract.consumers.store_rows import upsert

SITE = "depot-7"
FOREIGN_SITE = "elsewhere-1"


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    data_dir = Path(tempfile.mkdtemp(prefix="sightline-documents-"))
    data_dir.chmod(0o755)
    running = Stack(
        StackConfig(data_dir=data_dir, parts=frozenset({"edge-kafka", "postgres", "mongo"}))
    )
    running.start()
    try:
        create_topics(running.endpoints.edge_kafka, site_topics(SITE))
        eventually(lambda: have_leaders(running.endpoints.edge_kafka))
        migrate(running.endpoints.postgres_dsn)
        yield running
    finally:
        running.stop()
        shutil.rmtree(data_dir)


@pytest.fixture(scope="package")
def settings(stack: Stack) -> Settings:
    """One broker plays both sides."""
    ends = stack.endpoints
    return replace(
        api_settings(ends.postgres_dsn),
        site=SITE,
        edge_kafka=ends.edge_kafka,
        cloud_kafka=ends.edge_kafka,
        mongo_url=ends.mongo_url,
    )


@pytest.fixture(scope="package")
def url(settings: Settings) -> Iterator[str]:
    with serving(settings) as address:
        yield address


@pytest.fixture(scope="package")
def owner(settings: Settings) -> Account:
    """The owner of the organisation that owns the site."""
    found = account(settings.postgres_dsn, slug="ours")
    give_site(settings.postgres_dsn, SITE, found.organisation_id)
    return found


@pytest.fixture(scope="package")
def stranger(settings: Settings) -> Account:
    """The owner of another organisation, with a site of its own."""
    found = account(settings.postgres_dsn, slug="theirs")
    give_site(settings.postgres_dsn, FOREIGN_SITE, found.organisation_id)
    return found


@pytest.fixture(scope="package")
def receipts(settings: Settings) -> Iterator[None]:
    """Stores receipts as the sink does."""
    ended = threading.Event()

    def store() -> None:
        follower = TopicFollower(settings.cloud_kafka, "up.receipts", "test")
        with psycopg.connect(settings.postgres_dsn, autocommit=True) as connection:
            while not ended.is_set():
                for message in follower.read(timeout_s=0.1):
                    upsert(connection, "receipts", decode_as(Receipt, message.value))
        follower.close()

    thread = threading.Thread(target=store)
    thread.start()
    yield
    ended.set()
    thread.join(30)
    assert not thread.is_alive()


Start = Callable[..., Running]


@pytest.fixture
def start(settings: Settings) -> Iterator[Start]:
    """Starts a process's main function in a thread; all are stopped after the test."""
    started: list[Running] = []

    def begin(main: Callable[[Service], None], **changes: str) -> Running:
        running = Running(Service(main.__name__, replace(settings, **changes)), main)
        started.append(running)
        return running

    yield begin
    for running in started:
        running.stop()
