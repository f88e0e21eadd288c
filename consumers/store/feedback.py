"""Operators' words for the sites: stored with what they are about, sent to Kafka by the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from consumers.access.principal import Principal
from consumers.store.database import Connection
from schemas.ids import feedback_id
from schemas.records import Feedback

Verdict = Literal["confirmed", "dismissed", "ignored_here"]
WORDS = """
    SELECT f.feedback_id, f.verdict, f.author, f.said_at, f.sent_at, r.status AS receipt,
        r.at AS receipt_at, r.errors_json AS receipt_errors
    FROM feedback f
    LEFT JOIN receipts r ON r.receipt_id = f.site || '/feedback/' || f.feedback_id
"""
"""Words with what the site answered, to be followed by WHERE."""
_UNSENT = """
    SELECT feedback_id, site, event_id, candidate_id, verdict, author, said_at FROM feedback AS word
    WHERE sent_at IS NULL AND NOT site = ANY(%(without)s)
        -- Words on one thing go in their order, whoever sends them.
        AND NOT EXISTS (
            SELECT FROM feedback AS earlier
            WHERE earlier.sent_at IS NULL AND earlier.number < word.number
                AND (earlier.event_id = word.event_id OR earlier.candidate_id = word.candidate_id))
    ORDER BY number LIMIT %(rows)s
    FOR UPDATE SKIP LOCKED
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a word is about: an event, or a candidate."""

    site: str
    camera: str
    at: datetime
    """When the event was opened, or the candidate matched."""
    event_id: str | None = None
    candidate_id: str | None = None


async def say(
    connection: Connection, principal: Principal, subject: Subject, verdict: Verdict
) -> str:
    """Store a word and return its id; one that repeats the last on its subject is that one.

    Raises:
        Retryable: Postgres does not answer.
    """
    values: dict[str, Any] = {
        "event_id": subject.event_id,
        "candidate_id": subject.candidate_id,
        "site": subject.site,
        "camera": subject.camera,
        "subject_at": subject.at,
        "verdict": verdict,
        "author": principal.name,
        "organisation_id": principal.organisation_id,
    }
    found = await connection.execute(
        "SELECT feedback_id, verdict FROM feedback WHERE event_id = %(event_id)s "
        "OR candidate_id = %(candidate_id)s ORDER BY number",
        values,
    )
    said = await found.fetchall()
    if said and said[-1]["verdict"] == verdict:
        return str(said[-1]["feedback_id"])
    name = feedback_id(subject.event_id or subject.candidate_id or "", len(said) + 1, verdict)
    await connection.execute(
        "INSERT INTO feedback (feedback_id, organisation_id, site, camera, event_id, candidate_id, "
        "subject_at, verdict, author) VALUES (%(feedback_id)s, %(organisation_id)s, %(site)s, "
        "%(camera)s, %(event_id)s, %(candidate_id)s, %(subject_at)s, %(verdict)s, %(author)s) "
        "ON CONFLICT DO NOTHING",
        {**values, "feedback_id": name},
    )
    return name


async def unsent(connection: Connection, rows: int, without: list[str]) -> list[dict[str, Any]]:
    """Return words that have not gone to Kafka yet, held by this transaction.

    ``without`` names sites to be left out.
    """
    found = await connection.execute(_UNSENT, {"rows": rows, "without": without})
    return await found.fetchall()


async def mark_sent(connection: Connection, feedback_ids: list[str]) -> None:
    """Note that Kafka has acknowledged these words."""
    await connection.execute(
        "UPDATE feedback SET sent_at = clock_timestamp() WHERE feedback_id = ANY(%s)",
        [feedback_ids],
    )


def record_of(row: Mapping[str, Any]) -> Feedback:
    """Return a stored word as it travels."""
    return Feedback(
        feedback_id=row["feedback_id"],
        site=row["site"],
        candidate_id=row["candidate_id"],
        event_id=row["event_id"],
        verdict=row["verdict"],
        author=row["author"],
        at=round(row["said_at"].timestamp() * 1000),
    )
