"""One event with everything that belongs to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from psycopg import sql

from consumers.access.principal import Scope
from consumers.store.database import Connection
from consumers.store.event_search import COLUMNS
from consumers.store.feedback import WORDS
from consumers.store.handling import opened_at_of

CANDIDATE = sql.SQL(
    "candidate_id, site, camera, rule, sensor, track, class_name, matched_at, decided_at, verdict, "
    "event_id, score, reasons_json AS reasons, revision, config_version"
)
EVIDENCE = sql.SQL(
    "evidence_id, site, camera, event_id, candidate_id, kind, status, reason, content_type, "
    "sha256, size, from_at, to_at"
)
_AROUND = timedelta(days=1)
"""An event's candidates match this near to its life, whatever waited for the decision."""
_MAX_CANDIDATES = 1000
_PARTS = {
    "changes": "SELECT revision, state, severity, class_name, score, verdict, triggers, at, "
    "closed_at, stored_at FROM event_changes "
    "WHERE event_id = %(event_id)s AND opened_at = %(opened_at)s ORDER BY revision",
    "candidates": "SELECT {candidate} FROM verdicts WHERE event_id = %(event_id)s "
    "AND matched_at BETWEEN %(first)s AND %(last)s AND {scope} "
    "ORDER BY matched_at, candidate_id LIMIT {most}",
    "evidence": "SELECT {evidence} FROM evidence WHERE event_id = %(event_id)s "
    "AND {scope} ORDER BY from_at, evidence_id",
    "history": "SELECT at, actor, action, details FROM event_history "
    "WHERE event_id = %(event_id)s ORDER BY history_id",
    "words": WORDS + "WHERE f.event_id = %(event_id)s ORDER BY f.number",
}


async def event_row(connection: Connection, scope: Scope, event_id: str) -> dict[str, Any] | None:
    """Return an event's row with its particulars; None where there is none to be seen.

    Raises:
        Retryable: Postgres does not answer.
    """
    opened_at = await opened_at_of(connection, event_id)
    if opened_at is None:
        return None
    query = sql.SQL(
        "SELECT {columns}, group_key, tracks_json AS tracks, config_version, model, model_version, "
        "provenance_json AS provenance, stored_at FROM events "
        "WHERE event_id = %s AND opened_at = %s AND {scope}"
    ).format(columns=COLUMNS, scope=scope.condition())
    return await (await connection.execute(query, [event_id, opened_at], prepare=False)).fetchone()


async def parts_of(
    connection: Connection, scope: Scope, event: dict[str, Any]
) -> dict[str, list[Any]]:
    """Return changes, candidates, evidence, history and words of an event's row.

    Candidates and evidence of other cameras may belong to it: they are seen by whoever sees those.

    Raises:
        Retryable: Postgres does not answer.
    """
    values = {
        "event_id": event["event_id"],
        "opened_at": event["opened_at"],
        "first": event["opened_at"] - _AROUND,
        "last": (event["closed_at"] or event["at"]) + _AROUND,
    }
    asked = {}
    async with connection.pipeline():
        for name, text in _PARTS.items():
            query = sql.SQL(text).format(
                candidate=CANDIDATE,
                evidence=EVIDENCE,
                most=sql.Literal(_MAX_CANDIDATES),
                scope=scope.condition(),
            )
            asked[name] = await connection.execute(query, values, prepare=False)
        return {name: await cursor.fetchall() for name, cursor in asked.items()}
