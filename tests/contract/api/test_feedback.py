"""Operators' words: stored with the label, sent to the site's topic, answered by its receipt."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import psycopg

from consumers.api.outbox import Outbox
from consumers.store.database import Database
from consumers.store.migrate import migrate
from consumers.sync.publish import feedback_topic
from infra.runtime.kafka import create_topics, read_all
from infra.runtime.settings import Settings
from schemas.codec import decode_as
from schemas.errors import Retryable
from schemas.records import Feedback
from schemas.topics import cloud_topics
from tests.contract.api.tenants import Tenant
from tests.contract.consumers.consumer_parts import eventually
from tests.contract.consumers.store_rows import receipt, upsert


def said(settings: Settings, site: str) -> list[Feedback]:
    messages = read_all(settings.cloud_kafka, feedback_topic(site))
    return [decode_as(Feedback, message.value) for message in messages if message.value]


def make_topics(settings: Settings, site: str) -> None:
    topics = [topic for topic in cloud_topics(site) if topic.name == feedback_topic(site)]
    create_topics(settings.cloud_kafka, topics)
    eventually(lambda: _readable(settings, site))


def _readable(settings: Settings, site: str) -> bool:
    try:
        return said(settings, site) == []
    except Retryable:
        return False


def test_a_label_reaches_the_site_and_its_receipt_is_shown(
    settings: Settings, tenant: Tenant
) -> None:
    make_topics(settings, tenant.site)
    event_id = tenant.event()
    tenant.http.patch(
        f"/api/v1/events/{event_id}/handling", json={"label": "false"}, headers={"If-Match": "*"}
    )
    [word] = eventually(lambda: said(settings, tenant.site))
    assert (word.event_id, word.candidate_id, word.verdict) == (event_id, None, "dismissed")
    assert word.author == f"of {tenant.owner.mail}"

    def shown() -> dict[str, Any]:
        [found] = tenant.http.get(f"/api/v1/events/{event_id}").json()["words"]
        return dict(found)

    assert shown()["receipt"] is None
    eventually(lambda: shown()["sent_at"])
    name = f"{tenant.site}/feedback/{word.feedback_id}"
    upsert(tenant.database, "receipts", replace(receipt(name, 1), site=tenant.site))
    assert shown()["receipt"] == "applied"


def test_a_suppressed_candidate_is_restored_by_one_word(settings: Settings, tenant: Tenant) -> None:
    make_topics(settings, tenant.site)
    candidate = tenant.candidate(verdict="suppressed")
    for _ in range(2):
        answer = tenant.http.post(f"/api/v1/candidates/{candidate}/restore")
        assert answer.status_code == 200, answer.text
        assert [word["verdict"] for word in answer.json()["words"]] == ["confirmed"]
    [word] = eventually(lambda: said(settings, tenant.site))
    assert (word.candidate_id, word.event_id, word.verdict) == (candidate, None, "confirmed")
    accepted = tenant.candidate(verdict="accepted")
    assert tenant.http.post(f"/api/v1/candidates/{accepted}/restore").status_code == 409
    assert tenant.http.post("/api/v1/candidates/nothing/restore").status_code == 404


class Recorder:
    """Stands in for Kafka: takes words, or says that it does not answer."""

    def __init__(self, *, away: frozenset[str] = frozenset()) -> None:
        self.away = away
        self.taken: list[tuple[str, str]] = []

    async def send(self, topic: str, record: Any, key: str) -> None:
        await asyncio.sleep(0.005)
        if topic in self.away:
            raise Retryable("no answer")
        self.taken.append((topic, key))


def store_words(tenant: Tenant, site: str, subjects: int, each: int = 1) -> list[str]:
    """Store unsent words for a site that the running API's own outbox does not see."""
    names = [f"{site}-{subject}-{n}" for subject in range(subjects) for n in range(each)]
    for name in names:
        tenant.database.execute(
            "INSERT INTO feedback (feedback_id, organisation_id, site, camera, event_id, "
            "subject_at, verdict, author) VALUES (%s, %s, %s, 'gate', %s, now(), 'dismissed', 'a')",
            [name, tenant.owner.organisation_id, site, name.rpartition("-")[0]],
        )
    return names


def apart(settings: Settings) -> str:
    """Return a database of its own, where no running API delivers."""
    name = "outbox"
    with psycopg.connect(settings.postgres_dsn, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
    dsn = settings.postgres_dsn.rsplit("/", 1)[0] + f"/{name}"
    migrate(dsn)
    return dsn


def test_several_processes_send_each_word_once_and_those_on_one_thing_in_order(
    settings: Settings, url: str
) -> None:
    dsn = apart(settings)
    with Tenant(dsn, url) as tenant:
        names = store_words(tenant, tenant.site, subjects=20, each=3)

    async def deliver() -> list[str]:
        recorder = Recorder()
        async with Database(dsn) as database:
            outboxes = [Outbox(database, recorder) for _ in range(3)]  # type: ignore[arg-type]
            for _ in range(5):
                await asyncio.gather(*(outbox.deliver() for outbox in outboxes))
        return [key for _, key in recorder.taken]

    sent = asyncio.run(deliver())
    assert sorted(sent) == sorted(names)
    for subject in {name.rpartition("-")[0] for name in names}:
        of_subject = [name for name in sent if name.rpartition("-")[0] == subject]
        assert of_subject == sorted(of_subject)


def test_what_kafka_did_not_take_stays_and_holds_up_no_other_site(
    settings: Settings, url: str
) -> None:
    dsn = apart(settings)
    with Tenant(dsn, url) as tenant:
        dead, alive = tenant.site, tenant.another_site()
        waiting = store_words(tenant, dead, 1)
        going = store_words(tenant, alive, 1)

    async def deliver() -> tuple[list[str], str | None]:
        recorder = Recorder(away=frozenset({feedback_topic(dead)}))
        async with Database(dsn) as database:
            outbox = Outbox(database, recorder)  # type: ignore[arg-type]
            for _ in range(3):
                await outbox.deliver()
            first = [key for _, key in recorder.taken]
            assert first == going
            problem = outbox.problem
            # As after a restart: another process finds what is left.
            recorder.away = frozenset()
            await Outbox(database, recorder).deliver()  # type: ignore[arg-type]
        return [key for _, key in recorder.taken], problem

    taken, problem = asyncio.run(deliver())
    assert taken == going + waiting
    assert problem is not None and dead in problem
