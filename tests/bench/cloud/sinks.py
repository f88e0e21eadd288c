"""How many records a second Kafka Connect carries from the cloud's Kafka into Postgres.

A backlog stands in the topic before its sink starts, so that the sink is never idle. The same records
written by one connection of our own, in batches of the same size, are what it is compared to: both
run the same triggers.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from connect.connectors import jdbc_sinks
from infra.local.connectors import apply_all
from infra.runtime.kafka import RecordProducer
from schemas.errors import Backpressure
from schemas.records import Event, Verdict
from tests.bench.cloud.house import stack_of
from tests.bench.cloud.streaming import bench_event
from tests.bench.printing import machine, table
from tests.fixtures import ROOT

RECORDS, BATCH = 50_000, 500
SCHEMAS = Path(ROOT) / "schemas" / "avro"
PATIENCE_S = 600.0
Made = Callable[[int], Event | Verdict]


def verdict(number: int) -> Verdict:
    """Return the verdict of a number."""
    return Verdict(
        candidate_id=f"bench-{number:06d}",
        site="bench-site",
        camera=f"camera-{number % 50}",
        rule="gate-crossed",
        sensor="line",
        track="track-1",
        class_name="person",
        matched_at=1_790_000_000_000 + number,
        decided_at=1_790_000_000_000 + number,
        verdict="suppressed",
        score=0.4,
        reasons='[{"check": "moved", "for": true, "value": 0.4}]',
        revision=1,
        config_version=3,
        provenance="{}",
    )


SUBJECTS: tuple[tuple[str, str, Made], ...] = (
    ("events", "event_id", bench_event),
    ("verdicts", "candidate_id", verdict),
)


def write(bootstrap: str, name: str, key: str, made: Made) -> None:
    """Put the backlog into a topic."""
    producer = RecordProducer(bootstrap, "bench", linger_ms=20)
    for number in range(RECORDS):
        record = made(number)
        while True:
            try:
                producer.send(f"up.{name}", record, key=str(getattr(record, key)))
                break
            except Backpressure as full:
                producer.poll()
                time.sleep(full.retry_after_s)
    producer.flush()


def sunk_s(dsn: str, name: str) -> float:
    """Return the seconds from the first row to the last."""
    until_s = time.monotonic() + PATIENCE_S
    with psycopg.connect(dsn, autocommit=True) as connection:
        query = sql.SQL("SELECT count(*), min(stored_at), max(stored_at) FROM {}")
        while time.monotonic() < until_s:
            row = connection.execute(query.format(sql.Identifier(name))).fetchone()
            assert row is not None
            if row[0] >= RECORDS:
                return float((row[2] - row[1]).total_seconds())
            time.sleep(1)
    sys.exit(f"the sink of {name} has not stored {RECORDS} records after {PATIENCE_S:g} s")


def plain_s(dsn: str, name: str, made: Made) -> float:
    """Return the seconds that one connection of ours takes for the same rows."""
    with psycopg.connect(dsn) as connection:
        rows = [_row(made(number)) for number in range(RECORDS)]
        columns = [sql.Identifier(column) for column in rows[0]]
        insert = sql.SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT DO NOTHING").format(
            sql.Identifier(name),
            sql.SQL(", ").join(columns),
            sql.SQL(", ").join(sql.Placeholder() * len(columns)),
        )
        began_s = time.monotonic()
        for batch in _batches([tuple(row.values()) for row in rows]):
            with connection.cursor() as cursor:
                cursor.executemany(insert, batch)
            connection.commit()
        return time.monotonic() - began_s


def _row(record: Event | Verdict) -> dict[str, Any]:
    return {
        name: datetime.fromtimestamp(value / 1000, UTC)
        if value is not None and (name == "at" or name.endswith("_at"))
        else value
        for name, value in asdict(record).items()
    }


def _batches(rows: Sequence[tuple[Any, ...]]) -> Iterator[Sequence[tuple[Any, ...]]]:
    for first in range(0, len(rows), BATCH):
        yield rows[first : first + BATCH]


def main() -> None:
    """Print a line for each sink."""
    print(f"{RECORDS} records each; {machine()}")
    lines = []
    with stack_of("cloud-kafka", "cloud-connect", "postgres") as (stack, settings):
        sinks = {one.name: one.config for one in jdbc_sinks(settings.postgres_dsn, SCHEMAS)}
        for name, key, made in SUBJECTS:
            write(settings.cloud_kafka, name, key, made)
            sink = f"sink-{name}"
            apply_all(stack.endpoints.cloud_connect, {sink: sinks[sink]})
            carried_s = sunk_s(settings.postgres_dsn, name)
            with psycopg.connect(settings.postgres_dsn) as connection:
                connection.execute(
                    sql.SQL("TRUNCATE {}, event_changes, event_places").format(sql.Identifier(name))
                )
            own_s = plain_s(settings.postgres_dsn, name, made)
            rate = RECORDS / carried_s
            lines.append((f"up.{name}", f"{rate:.0f}", f"{rate * own_s / RECORDS:.2f}"))
    table(("sink", "records a second", "to our own connection"), lines)


if __name__ == "__main__":
    main()
