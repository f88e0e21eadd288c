"""A real PostgreSQL, S3 service and Mongo-wire server; each test has a database of its own."""

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
from tests.contract.keeping.house import House


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    data_dir = Path(tempfile.mkdtemp(prefix="sightline-keeping-"))
    data_dir.chmod(0o755)
    parts = frozenset({"postgres", "seaweedfs", "mongo"})
    running = Stack(StackConfig(data_dir=data_dir, parts=parts))
    running.start()
    try:
        yield running
    finally:
        running.stop()
        shutil.rmtree(data_dir)


@pytest.fixture
def house(stack: Stack) -> Iterator[House]:
    dsn = stack.endpoints.postgres_dsn
    name = f"keeping_{uuid.uuid4().hex}"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    own = dsn.rsplit("/", 1)[0] + f"/{name}"
    migrate(own)
    house = House(stack.endpoints, own)
    yield house
    house.close()
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
