"""Records written to Postgres by the statement that Debezium's JDBC sink uses for upserts."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql

from schemas.records import Event, Receipt, Verdict

OPENED_AT = 1_700_000_000_000
KEYS = {
    "events": ("event_id", "opened_at"),
    "verdicts": ("candidate_id", "matched_at"),
    "counts": ("count_id",),
    "health": ("health_id",),
    "receipts": ("receipt_id",),
}


def upsert(connection: psycopg.Connection[Any], table: str, record: Any) -> None:
    values = {
        field.name: _plain(field.name, getattr(record, field.name))
        for field in dataclasses.fields(record)
    }
    key = KEYS[table]
    statement = sql.SQL(
        "INSERT INTO {table} ({names}) VALUES ({values}) ON CONFLICT ({key}) DO UPDATE SET {changes}"
    ).format(
        table=sql.Identifier(table),
        names=sql.SQL(", ").join(map(sql.Identifier, values)),
        values=sql.SQL(", ").join(map(sql.Placeholder, values)),
        key=sql.SQL(", ").join(map(sql.Identifier, key)),
        changes=sql.SQL(", ").join(
            sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(name))
            for name in values
            if name not in key
        ),
    )
    connection.execute(statement, values)


def _plain(name: str, value: Any) -> Any:
    is_time = name == "at" or name.endswith("_at")
    return datetime.fromtimestamp(value / 1000, UTC) if is_time and value is not None else value


def event(event_id: str, **changes: Any) -> Event:
    fields: dict[str, Any] = {
        "event_id": event_id,
        "site": "depot-7",
        "rule": "intrusion",
        "camera": "gate",
        "sensor": "lawn",
        "state": "opened",
        "revision": 1,
        "severity": "alert",
        "mode": "live",
        "group_key": "gate",
        "at": OPENED_AT,
        "opened_at": OPENED_AT,
        "triggers": 1,
        "tracks": '["t-1"]',
        "class_name": "person",
        "score": 0.8,
        "verdict": "accepted",
        "config_version": 1,
        "model": "yolox",
        "model_version": "1",
        "provenance": "[]",
    }
    return Event(**{**fields, **changes})


def verdict(candidate_id: str, **changes: Any) -> Verdict:
    fields: dict[str, Any] = {
        "candidate_id": candidate_id,
        "site": "depot-7",
        "camera": "gate",
        "rule": "intrusion",
        "sensor": "lawn",
        "matched_at": OPENED_AT,
        "decided_at": OPENED_AT + 100,
        "verdict": "accepted",
        "score": 0.9,
        "reasons": '[{"check": "moved", "for": true, "value": 0.4}]',
        "revision": 1,
        "config_version": 1,
        "provenance": "{}",
    }
    return Verdict(**{**fields, **changes})


def receipt(receipt_id: str, revision: int, status: Any = "applied") -> Receipt:
    return Receipt(
        receipt_id=receipt_id,
        site="depot-7",
        document="site",
        kind="config",
        status=status,
        config_version=revision,
        sha256="",
        errors="[]",
        at=OPENED_AT + revision,
        revision=revision,
    )
