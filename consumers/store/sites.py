"""Sites and cameras with how they are, and health."""

from __future__ import annotations

from typing import Any

from psycopg import sql

from consumers.access.principal import Scope
from consumers.store.conditions import Conditions
from consumers.store.database import Connection
from consumers.store.spans import Look

SILENT_S = 60
"""Health is told every ten seconds."""
SILENT = f"h.at < clock_timestamp() - interval '{SILENT_S} s'"
"""Nothing was heard of late, as a condition on a row ``h`` of health."""
_SITES = """
    SELECT s.site, s.name, s.timezone, s.created_at, coalesce(seen.cameras, 0) AS cameras,
        coalesce(seen.states, '{{}}') AS camera_states, seen.last_event_at,
        (SELECT max(at) FROM health WHERE health.site = s.site) AS heard_at
    FROM (SELECT * FROM sites WHERE {visible} AND {place} ORDER BY {order} LIMIT %(rows)s) AS s
    LEFT JOIN LATERAL (
        SELECT sum(number)::bigint AS cameras, jsonb_object_agg(state, number) AS states,
            max(last_event_at) AS last_event_at
        FROM (
            SELECT CASE WHEN h.at IS NULL OR {silent} THEN 'unknown' ELSE h.state END AS state,
                count(*) AS number, max(c.last_event_at) AS last_event_at
            FROM cameras c LEFT JOIN health h ON h.health_id = c.site || '/' || c.camera
            WHERE c.site = s.site AND {scope} GROUP BY 1
        ) AS by_state
    ) AS seen ON true
    ORDER BY {order}
"""
_CAMERAS = """
    SELECT c.site, c.camera, c.name, c.created_at, h.state, h.reason, h.at,
        {silent} AS silent, h.frames_per_s, place.event_id, place.opened_at
    FROM cameras c
    LEFT JOIN health h ON h.health_id = c.site || '/' || c.camera
    -- Retention may have taken the last event; its place goes with it.
    LEFT JOIN event_places place ON place.event_id = c.last_event_id
    WHERE {tests} ORDER BY {order} LIMIT %(rows)s
"""
_HEALTH = """
    SELECT h.health_id, h.site, h.kind, h.name, h.state, h.reason, h.at, {silent} AS silent,
        h.frames_per_s, h.frames, h.dropped, h.details_json AS details
    FROM health h WHERE {tests} ORDER BY {order} LIMIT %(rows)s
"""


async def find_sites(
    connection: Connection, scope: Scope, look: Look, site: str | None = None
) -> list[dict[str, Any]]:
    """Return sites of which anything may be seen, with what may be seen of their cameras.

    Raises:
        Retryable: Postgres does not answer.
    """
    tests = [scope.names_site(), *([sql.SQL("site = %(site)s")] if site is not None else [])]
    query = sql.SQL(_SITES).format(
        visible=sql.SQL(" AND ").join(tests),
        place=look.condition,
        order=look.order,
        silent=sql.SQL(SILENT),
        scope=scope.condition("c.site", "c.camera"),
    )
    values = {**look.values, "rows": look.rows, "site": site}
    return await (await connection.execute(query, values)).fetchall()


async def find_cameras(
    connection: Connection, scope: Scope, asked: Conditions, look: Look
) -> list[dict[str, Any]]:
    """Return cameras with their health and last event.

    Raises:
        Retryable: Postgres does not answer.
    """
    tests = [scope.condition("c.site", "c.camera"), *asked.tests, look.condition]
    query = sql.SQL(_CAMERAS).format(
        silent=sql.SQL(SILENT), tests=sql.SQL(" AND ").join(tests), order=look.order
    )
    values = {**asked.values, **look.values, "rows": look.rows}
    return await (await connection.execute(query, values)).fetchall()


async def find_health(
    connection: Connection, scope: Scope, asked: Conditions, look: Look
) -> list[dict[str, Any]]:
    """Return what cameras and processes said last; a process is seen by who may see its whole site.

    Raises:
        Retryable: Postgres does not answer.
    """
    visible = sql.SQL("CASE h.kind WHEN 'camera' THEN {camera} ELSE {whole} END").format(
        camera=scope.condition("h.site", "h.name"), whole=scope.condition("h.site", None)
    )
    query = sql.SQL(_HEALTH).format(
        silent=sql.SQL(SILENT),
        tests=sql.SQL(" AND ").join([visible, *asked.tests, look.condition]),
        order=look.order,
    )
    values = {**asked.values, **look.values, "rows": look.rows}
    return await (await connection.execute(query, values)).fetchall()
