from __future__ import annotations

import threading
import uuid
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from consumers.store.events import get_event, list_events
from consumers.store.following import follow
from consumers.store.rows import EventChange
from schemas.errors import Fatal, Retryable
from tests.contract.consumers.consumer_parts import eventually
from tests.contract.consumers.store_rows import OPENED_AT, event, upsert, verdict

OPENED = datetime.fromtimestamp(OPENED_AT / 1000, UTC)


def test_events_are_listed_newest_first_and_by_what_is_asked(dsn: str) -> None:
    site = f"s-{uuid.uuid4().hex[:8]}"
    with psycopg.connect(dsn, autocommit=True) as connection:
        for number in range(4):
            upsert(
                connection,
                "events",
                event(
                    f"{site}-{number}",
                    site=site,
                    opened_at=OPENED_AT + 1000 * number,
                    camera="gate" if number % 2 else "yard",
                    rule="intrusion" if number < 3 else "loitering",
                ),
            )

    def found(**asked: object) -> list[int]:
        rows = list_events(dsn, site=site, **asked)  # type: ignore[arg-type]
        return [int(row.event_id.rsplit("-", 1)[1]) for row in rows]

    assert found() == [3, 2, 1, 0]
    assert found(limit=2) == [3, 2]
    assert found(camera="gate") == [3, 1]
    assert found(rule="intrusion", camera="gate") == [1]
    second = timedelta(seconds=1)
    assert found(since=OPENED + second, until=OPENED + 3 * second) == [2, 1]
    assert found(camera="nowhere") == []


def test_an_event_comes_with_all_that_belongs_to_it(dsn: str) -> None:
    event_id = str(uuid.uuid4())
    with psycopg.connect(dsn, autocommit=True) as connection:
        upsert(connection, "events", event(event_id))
        closed = event(event_id, revision=2, state="closed", closed_at=OPENED_AT + 30_000)
        upsert(connection, "events", closed)
        for number in (2, 1):
            candidate = verdict(f"{event_id}-{number}", event_id=event_id, matched_at=number)
            upsert(connection, "verdicts", candidate)
        upsert(connection, "verdicts", verdict(str(uuid.uuid4())))
    details = get_event(dsn, event_id)
    assert details is not None
    assert details.event.closed_at == OPENED + timedelta(seconds=30)
    assert details.event.tracks == ("t-1",) and details.event.provenance == []
    assert [change.state for change in details.changes] == ["opened", "closed"]
    assert [row.candidate_id[-1] for row in details.verdicts] == ["1", "2"]
    assert details.verdicts[0].reasons[0]["check"] == "moved"
    assert details.evidence == ()
    assert get_event(dsn, "no such event") is None


def test_followers_see_each_change_once_and_in_order_also_after_a_break(dsn: str) -> None:
    stopping = threading.Event()
    seen: list[EventChange] = []
    prefix = uuid.uuid4().hex

    def watch() -> None:
        seen.extend(follow(dsn, stopping=stopping))

    def revisions() -> list[tuple[str, int]]:
        return [(c.event_id, c.revision) for c in seen if c.event_id.startswith(prefix)]

    thread = threading.Thread(target=watch)
    thread.start()
    expected: list[tuple[str, int]] = []
    try:
        with psycopg.connect(dsn, autocommit=True) as connection:

            def listeners() -> list[int]:
                rows = connection.execute(
                    "SELECT pid FROM pg_stat_activity WHERE query LIKE %s AND pid <> %s",
                    ["%event_changes%", connection.info.backend_pid],
                )
                return [pid for (pid,) in rows]

            eventually(lambda: listeners() or None)
            for burst in range(3):
                for number in range(50):
                    name = f"{prefix}-{burst}-{number}"
                    for revision, state in ((1, "opened"), (2, "closed")):
                        changed = event(name, revision=revision, state=state)
                        upsert(connection, "events", changed)
                        upsert(connection, "events", changed)
                        expected.append((name, revision))
                if burst == 1:
                    for pid in listeners():
                        connection.execute("SELECT pg_terminate_backend(%s)", [pid])
        eventually(lambda: len(revisions()) >= len(expected) or None)
    finally:
        stopping.set()
        thread.join(30)
    assert sorted(revisions()) == sorted(expected)
    last_burst = [one for one in expected if one[0].startswith(f"{prefix}-0")]
    assert revisions()[: len(last_burst)] == last_burst


def test_changes_since_a_time_come_first(dsn: str) -> None:
    event_id = str(uuid.uuid4())
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None
        upsert(connection, "events", event(event_id))
    for change in follow(dsn, since=row[0]):
        if change.event_id == event_id:
            break


def test_what_is_not_there_is_told(dsn: str) -> None:
    with pytest.raises(Retryable, match="does not answer"):
        list_events("postgresql://postgres:word@127.0.0.1:1/none")
    with pytest.raises(Retryable):
        next(follow("postgresql://postgres:word@127.0.0.1:1/none"))
    with pytest.raises(Fatal, match="sightline migrate"):
        list_events(dsn.rsplit("/", 1)[0] + "/postgres")
