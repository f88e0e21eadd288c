"""Lists of events: by time, place, rule, kind, handling and text; a page at a time.

A text that hardly anything holds would be looked for in all days there are: the beginning of a common
word stands for so many rows of each that no index helps. So a page of such a search is bounded by the
rows among which it looks, and ends where that is reached.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from psycopg import sql

from consumers.access.principal import Scope
from consumers.store.conditions import Conditions
from consumers.store.database import Connection
from consumers.store.spans import Look, Seen, Span, read_spans
from consumers.store.words import text_query

FIRST_FOR_TEXT = timedelta(hours=1)
MOST_FOR_TEXT = 1_200_000
"""Events of the days among which a page looks for a text."""
Assigned = UUID | Literal["nobody"]
COLUMNS = sql.SQL(
    "event_id, site, camera, rule, sensor, state, revision, severity, mode, class_name, score, "
    "verdict, triggers, at, opened_at, closed_at, handling, handling_version, acknowledged_at, "
    "acknowledged_by, assigned_to, label"
)
_SNAPSHOT = sql.SQL(
    "(SELECT evidence_id FROM evidence WHERE evidence.event_id = found.event_id "
    "AND kind = 'snapshot' AND status = 'ok' LIMIT 1) AS snapshot"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """What is looked for; what is empty or None restricts nothing."""

    since: datetime | None = None
    until: datetime | None = None
    sites: tuple[str, ...] = ()
    cameras: tuple[tuple[str, str], ...] = ()
    """(site, camera)."""
    group: UUID | None = None
    rules: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    """opened, updated, closed."""
    handling: tuple[str, ...] = ()
    """new, acknowledged, resolved."""
    labels: tuple[str, ...] = ()
    assigned_to: Assigned | None = None
    text: str | None = None

    def conditions(self, scope: Scope) -> Conditions:
        """Return the tests on a row of events, without those of time."""
        asked = Conditions()
        asked.tests.append(scope.condition())
        asked.among("site", self.sites)
        asked.of_cameras(self.cameras)
        asked.of_group(self.group)
        asked.among("rule", self.rules)
        asked.among("severity", self.severities)
        asked.among("class_name", self.classes)
        asked.among("verdict", self.verdicts)
        asked.among("mode", self.modes)
        asked.one_of("state", self.states)
        asked.one_of("handling", self.handling)
        asked.one_of("label", self.labels)
        if self.assigned_to == "nobody":
            asked.tests.append(sql.SQL("assigned_to IS NULL"))
        elif self.assigned_to is not None:
            asked.among("assigned_to", [self.assigned_to])
        if self.text is not None:
            asked.values["text"] = text_query(self.text)
            asked.tests.append(sql.SQL("search @@ %(text)s::tsquery"))
        return asked


async def find_events(
    connection: Connection,
    scope: Scope,
    asked: EventFilter,
    look: Look,
    now: datetime,
    *,
    most_for_text: int | None = None,
) -> Seen:
    """Return the rows of a page, with the id of each event's snapshot where there is one.

    ``most_for_text``: a text is looked for among so many events; None: among all.

    Raises:
        Retryable: Postgres does not answer.
    """
    conditions = asked.conditions(scope)
    table = sql.SQL("events")
    if asked.text is not None:
        # A span holds few enough rows to sort, and how many begin with a term cannot be foreseen:
        # without the ordered scans Postgres goes through its index of words.
        await connection.execute("SELECT set_config('enable_indexscan', 'off', true)")
        table = sql.SQL("searched_events")
    query = sql.SQL(
        "WITH found AS MATERIALIZED (SELECT {columns} FROM {table} WHERE opened_at >= %(low)s "
        "AND opened_at < %(high)s AND {tests} AND {place} ORDER BY {order} LIMIT %(rows)s) "
        "SELECT found.*, {snapshot} FROM found ORDER BY {order}"
    ).format(
        columns=COLUMNS,
        table=table,
        tests=conditions.joined(),
        place=look.condition,
        order=look.order,
        snapshot=_SNAPSHOT,
    )
    # Every match of a span is sorted, and of a common word a day holds tens of thousands.
    first = None if asked.text is None else FIRST_FOR_TEXT
    looking = look.spans(asked.since, asked.until, now, first)
    values = {**conditions.values, **look.values}
    if asked.text is None or most_for_text is None:
        return await read_spans(connection, query, values, looking, look)
    budget = _Budget(await _events_of_days(connection), most_for_text)
    return await read_spans(connection, query, values, looking, look, budget.affords)


class _Budget:
    """How many more events may be looked at."""

    def __init__(self, events: Mapping[date, int], most: int) -> None:
        self._events = events
        self._left = most

    def affords(self, span: Span) -> bool:
        """Take what the days of a span hold; tell whether that was left."""
        first, last = span[0].date(), span[1].date()
        self._left -= sum(count for day, count in self._events.items() if first <= day <= last)
        return self._left >= 0


async def _events_of_days(connection: Connection) -> dict[date, int]:
    """Return about how many events each day holds, as Postgres reckons."""
    found = await connection.execute(
        "SELECT right(relname, 8)::date AS day, reltuples FROM pg_inherits "
        "JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'events'::regclass "
        "AND relname ~ '_[0-9]{8}$' AND reltuples > 0"
    )
    return {row["day"]: int(row["reltuples"]) for row in await found.fetchall()}
