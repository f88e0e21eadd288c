"""A real Postgres with all tables, and the API as a server on it, once for these tests."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from consumers.store.migrate import migrate
from infra.local.stack import Stack, StackConfig
from tests.access_helpers import api_settings, serving


@pytest.fixture(scope="package")
def dsn() -> Iterator[str]:
    data_dir = Path(tempfile.mkdtemp(prefix="sightline-access-"))
    data_dir.chmod(0o755)
    running = Stack(StackConfig(data_dir=data_dir, parts=frozenset({"postgres"})))
    running.start()
    try:
        migrate(running.endpoints.postgres_dsn)
        yield running.endpoints.postgres_dsn
    finally:
        running.stop()
        shutil.rmtree(data_dir)


@pytest.fixture(scope="package")
def url(dsn: str) -> Iterator[str]:
    with serving(api_settings(dsn)) as address:
        yield address
