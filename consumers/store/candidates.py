"""Lists of candidates: every match of a rule, whatever the filter made of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import sql

from consumers.access.principal import Scope
from consumers.store.conditions import Conditions
from consumers.store.database import Connection
from consumers.store.event_details import CANDIDATE, EVIDENCE
from consumers.store.feedback import WORDS
from consumers.store.spans import Look, read_spans


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateFilter:
    """What is looked for; what is empty or None restricts nothing."""

    since: datetime | None = None
    until: datetime | None = None
    sites: tuple[str, ...] = ()
    cameras: tuple[tuple[str, str], ...] = ()
    group: UUID | None = None
    rules: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()

    def conditions(self, scope: Scope) -> Conditions:
        """Return the tests on a row of verdicts, without those of time."""
        asked = Conditions()
        asked.tests.append(scope.condition())
        asked.among("site", self.sites)
        asked.of_cameras(self.cameras)
        asked.of_group(self.group)
        asked.among("rule", self.rules)
        asked.among("class_name", self.classes)
        asked.among("verdict", self.verdicts)
        return asked


async def find_candidates(
    connection: Connection, scope: Scope, asked: CandidateFilter, look: Look, now: datetime
) -> list[dict[str, Any]]:
    """Return the rows of a page, the newest first.

    Raises:
        Retryable: Postgres does not answer.
    """
    conditions = asked.conditions(scope)
    query = sql.SQL(
        "SELECT {columns} FROM verdicts WHERE matched_at >= %(low)s AND matched_at < %(high)s "
        "AND {tests} AND {place} ORDER BY {order} LIMIT %(rows)s"
    ).format(columns=CANDIDATE, tests=conditions.joined(), place=look.condition, order=look.order)
    looking = look.spans(asked.since, asked.until, now)
    values = {**conditions.values, **look.values}
    return (await read_spans(connection, query, values, looking, look)).rows


async def candidate_row(
    connection: Connection, scope: Scope, candidate_id: str
) -> dict[str, Any] | None:
    """Return a candidate's row; None where there is none to be seen.

    Raises:
        Retryable: Postgres does not answer.
    """
    # Its day is not known, so every partition is asked; prepared, that costs no planning.
    query = sql.SQL(
        "SELECT {columns}, provenance_json AS provenance FROM verdicts "
        "WHERE candidate_id = %s AND {scope}"
    ).format(columns=CANDIDATE, scope=scope.condition())
    return await (await connection.execute(query, [candidate_id], prepare=True)).fetchone()


async def parts_of(connection: Connection, candidate_id: str) -> dict[str, list[Any]]:
    """Return the evidence of a candidate and the words on it.

    Raises:
        Retryable: Postgres does not answer.
    """
    async with connection.pipeline():
        evidence = await connection.execute(
            sql.SQL(
                "SELECT {} FROM evidence WHERE candidate_id = %s ORDER BY from_at, evidence_id"
            ).format(EVIDENCE),
            [candidate_id],
        )
        words = await connection.execute(
            WORDS + "WHERE f.candidate_id = %s ORDER BY f.number", [candidate_id]
        )
        return {"evidence": await evidence.fetchall(), "words": await words.fetchall()}
