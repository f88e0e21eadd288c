"""A real PostgreSQL with a little of everything in it, started once."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from consumers.store.migrate import migrate
from infra.local.stack import Stack, StackConfig
from tests.contract.consumers.store_rows import event, receipt, verdict
from tests.contract.etl.cloud import Cloud
from tests.unit.consumers.etl.analytics_records import count, health, track

DISMISSED = '[{"check": "moved", "for": false, "value": 0.1}, {"check": "operator", "for": false, "value": 0}]'


@pytest.fixture(scope="package")
def cloud() -> Iterator[Cloud]:
    data_dir = Path(tempfile.mkdtemp(prefix="sightline-deploy-"))
    data_dir.chmod(0o755)
    stack = Stack(StackConfig(data_dir=data_dir, parts=frozenset({"postgres"})))
    stack.start()
    try:
        dsn = stack.endpoints.postgres_dsn
        migrate(dsn)
        with psycopg.connect(dsn, autocommit=True) as connection:
            filled = Cloud(connection, dsn)
            fill(filled, datetime.now(UTC))
            yield filled
    finally:
        stack.stop()
        shutil.rmtree(data_dir)


def fill(cloud: Cloud, now: datetime) -> None:
    """Store something of every kind, of the last hour and of the last days."""
    cloud.organisation("acme", "depot-7")
    cloud.arrive(receipt("depot-7/site", 1), receipt("depot-7/refused", 1, "refused"))
    for back in (timedelta(minutes=5), timedelta(hours=5), timedelta(days=2)):
        moment = round((now - back).timestamp()) * 1000
        minute = moment // 60_000 * 60_000
        cloud.arrive(
            count(minute, forward=3, backward=1, exits=2, dwell_total_s=9.0, dwell_max_s=7.0,
                  occupancy_max=4),
            event(f"e-{moment}", opened_at=moment, at=moment),
            event(f"f-{moment}", opened_at=moment, at=moment, revision=2, state="closed",
                  closed_at=moment + 5000, severity="info"),
            verdict(f"a-{moment}", matched_at=moment),
            verdict(f"s-{moment}", matched_at=moment, verdict="suppressed"),
            verdict(f"d-{moment}", matched_at=moment, verdict="suppressed", reasons=DISMISSED),
            track(f"t-{moment}", moment, (0, 0.1, 0.1), (30, 0.8, 0.6)),
            health(moment, frames_per_s=5.0),
            health(moment + 1, "offline", name="yard", reason="no route"),
            health(moment + 2, name="process/capture", kind="process"),
        )  # fmt: skip
    cloud.connection.execute("UPDATE events SET label = 'false' WHERE state = 'closed'")
    cloud.settle()
