"""A real Postgres with all tables, real servers for mail and short messages, and the API on them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from consumers.store.migrate import migrate
from infra.local.stack import Stack, StackConfig
from tests.access_helpers import api_settings, serving
from tests.contract.access.world import World, mail_server, sms_gateway


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
def world(dsn: str) -> Iterator[World]:
    with (
        mail_server() as (smtp_url, mailbox),
        sms_gateway() as phones,
        serving(api_settings(dsn, smtp_url=smtp_url, sms_url=phones.url)) as url,
    ):
        yield World(url, dsn, smtp_url, mailbox, phones)
