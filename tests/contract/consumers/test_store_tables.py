from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator

import psycopg
import pytest

from consumers.store.migrate import migrate
from schemas.codec import schema_text
from schemas.errors import Fatal, Retryable, SightlineError
from schemas.records import SCHEMA_IDS, Count, Event, Health, Receipt, Verdict
from tests.contract.consumers.store_rows import event, receipt, upsert, verdict

TYPES = {
    "string": "text",
    "long": "bigint",
    "double": "double precision",
    "enum": "text",
    "timestamp-millis": "timestamp with time zone",
}
TABLES = {
    "events": Event,
    "verdicts": Verdict,
    "counts": Count,
    "health": Health,
    "receipts": Receipt,
}


@pytest.fixture
def fresh(dsn: str) -> Iterator[str]:
    """An empty database of its own."""
    name = f"fresh_{uuid.uuid4().hex}"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    yield dsn.rsplit("/", 1)[0] + f"/{name}"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def tables(dsn: str) -> set[str]:
    query = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    with psycopg.connect(dsn) as connection:
        return {name for (name,) in connection.execute(query)}


def test_four_at_once_and_once_more_leave_one_set_of_tables(fresh: str) -> None:
    failures: list[SightlineError] = []

    def bring() -> None:
        try:
            migrate(fresh)
        except SightlineError as error:
            failures.append(error)

    threads = [threading.Thread(target=bring) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    migrate(fresh)
    assert failures == []
    assert {*TABLES, "event_changes", "evidence"} < tables(fresh)


def test_a_database_of_a_newer_version_is_left_alone(fresh: str) -> None:
    migrate(fresh)
    with psycopg.connect(fresh) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Fatal, match="newest version"):
        migrate(fresh)


def test_a_server_that_is_not_there_may_be_tried_again_and_no_password_is_told(dsn: str) -> None:
    with pytest.raises(Retryable) as failed:
        migrate("postgresql://postgres:secret-word@127.0.0.1:1/none")
    assert "secret-word" not in str(failed.value)


@pytest.mark.parametrize("table", TABLES)
def test_fields_have_their_columns_and_nothing_else_must_be_given(table: str, dsn: str) -> None:
    query = (
        "SELECT column_name, data_type, is_nullable = 'YES', column_default IS NOT NULL "
        "FROM information_schema.columns WHERE table_name = %s AND is_generated = 'NEVER'"
    )
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(query, [table]).fetchall()
    columns = {name: (kind, null) for name, kind, null, _ in rows}
    optional = {name for name, _, null, default in rows if null or default}
    fields = {}
    for field in json.loads(schema_text(SCHEMA_IDS[TABLES[table]]))["fields"]:
        kind = field["type"]
        null = isinstance(kind, list)
        kind = next(part for part in kind if part != "null") if null else kind
        if isinstance(kind, dict):
            kind = kind.get("logicalType", kind["type"])
        fields[field["name"]] = (TYPES[kind], null)
    assert {name: columns[name] for name in fields if name in columns} == fields
    assert columns.keys() - fields.keys() <= optional


def test_an_older_revision_never_overwrites_a_newer_one(dsn: str) -> None:
    key = f"{uuid.uuid4()}/site"
    with psycopg.connect(dsn, autocommit=True) as connection:

        def write(revision: int) -> tuple[int, int]:
            upsert(connection, "receipts", receipt(key, revision))
            query = "SELECT revision, config_version FROM receipts WHERE receipt_id = %s"
            row = connection.execute(query, [key]).fetchone()
            assert row is not None
            return row[0], row[1]

        assert [write(revision) for revision in (3, 2, 3, 1, 5, 4)] == [
            (3, 3),
            (3, 3),
            (3, 3),
            (3, 3),
            (5, 5),
            (5, 5),
        ]


def test_the_time_of_arrival_is_that_of_the_first_revision(dsn: str) -> None:
    event_id = str(uuid.uuid4())
    query = "SELECT stored_at, state FROM events WHERE event_id = %s"
    with psycopg.connect(dsn, autocommit=True) as connection:
        upsert(connection, "events", event(event_id))
        first = connection.execute(query, [event_id]).fetchone()
        upsert(connection, "events", event(event_id, revision=2, state="closed"))
        second = connection.execute(query, [event_id]).fetchone()
    assert first is not None and second is not None
    assert (first[0], "closed") == second


@pytest.mark.parametrize("text", ["no json", '{"a": "\\u0000"}', '"\\ud800"', "", "[" * 50_000])
def test_a_text_that_is_no_json_is_stored_all_the_same(text: str, dsn: str) -> None:
    candidate_id = str(uuid.uuid4())
    with psycopg.connect(dsn, autocommit=True) as connection:
        upsert(connection, "verdicts", verdict(candidate_id, provenance=text))
        row = connection.execute(
            "SELECT provenance, provenance_json, reasons_json -> 0 ->> 'check' FROM verdicts "
            "WHERE candidate_id = %s",
            [candidate_id],
        ).fetchone()
    assert row == (text, None, "moved")


def test_every_revision_is_noted_once_whatever_the_order(dsn: str) -> None:
    event_id = str(uuid.uuid4())
    states = {1: "opened", 2: "updated", 3: "closed"}
    with psycopg.connect(dsn, autocommit=True) as connection:
        for revision in (2, 1, 2, 3, 3, 1):
            changed = event(event_id, revision=revision, state=states[revision])
            upsert(connection, "events", changed)
        query = "SELECT revision, state FROM event_changes WHERE event_id = %s ORDER BY revision"
        noted = connection.execute(query, [event_id]).fetchall()
        row = connection.execute(
            "SELECT state FROM events WHERE event_id = %s", [event_id]
        ).fetchone()
    assert noted == list(states.items())
    assert row == ("closed",)
