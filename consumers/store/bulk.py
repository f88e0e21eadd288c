"""Acknowledging many events at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from psycopg import sql

from consumers.access.audit import note
from consumers.access.principal import Principal
from consumers.store.database import Connection

Outcome = Literal["acknowledged", "already", "not-found"]
_AMONG = (
    "unnest(%(ids)s::text[], %(times)s::timestamptz[]) AS wanted (event_id, opened_at) "
    "WHERE events.event_id = wanted.event_id AND events.opened_at = wanted.opened_at "
)


async def acknowledge_events(
    connection: Connection, principal: Principal, event_ids: Sequence[str], now: datetime
) -> dict[str, Outcome]:
    """Acknowledge those of these events that are new; return what came of each.

    Raises:
        Retryable: Postgres does not answer, or somebody else changes the same events the other way
            round.
    """
    places = await connection.execute(
        "SELECT event_id, opened_at FROM event_places WHERE event_id = ANY(%s)", [list(event_ids)]
    )
    found = await places.fetchall()
    # In one order for everybody: two who acknowledge the same events wait, and do not deadlock.
    query = sql.SQL(
        "SELECT events.event_id, events.opened_at, site, camera, handling FROM events, {among} "
        "AND {scope} ORDER BY events.opened_at, events.event_id FOR UPDATE OF events"
    ).format(among=sql.SQL(_AMONG), scope=principal.scope.condition())
    locked = await connection.execute(query, _values(found), prepare=False)
    seen = await locked.fetchall()
    fresh = [row for row in seen if row["handling"] == "new"]
    if fresh:
        await _acknowledge(connection, principal, fresh, now)
    outcomes: dict[str, Outcome] = dict.fromkeys(event_ids, "not-found")
    outcomes |= {row["event_id"]: "already" for row in seen}
    outcomes |= {row["event_id"]: "acknowledged" for row in fresh}
    return outcomes


async def _acknowledge(
    connection: Connection, principal: Principal, rows: list[dict[str, Any]], now: datetime
) -> None:
    values = _values(rows)
    await connection.execute(
        "UPDATE events SET handling = 'acknowledged', handling_version = handling_version + 1, "
        f"acknowledged_at = %(now)s, acknowledged_by = %(actor)s FROM {_AMONG}",
        {**values, "now": now, "actor": principal.name},
        prepare=False,
    )
    await connection.execute(
        "INSERT INTO event_history "
        "(organisation_id, event_id, opened_at, site, camera, actor_id, actor, action) "
        "SELECT %(organisation)s, *, %(actor_id)s, %(actor)s, 'acknowledge' FROM unnest("
        "%(ids)s::text[], %(times)s::timestamptz[], %(sites)s::text[], %(cameras)s::text[])",
        {
            **values,
            "organisation": principal.organisation_id,
            "actor_id": principal.subject_id,
            "actor": principal.name,
            "sites": [row["site"] for row in rows],
            "cameras": [row["camera"] for row in rows],
        },
    )
    details = {"events": values["ids"]}
    await note(connection, principal, "event.acknowledge", f"{len(rows)} events", details)


def _values(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "ids": [row["event_id"] for row in rows],
        "times": [row["opened_at"] for row in rows],
    }
