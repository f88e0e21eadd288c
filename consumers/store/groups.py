"""Groups of cameras."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from psycopg import sql

from consumers.access.principal import Scope
from consumers.store.database import Connection
from consumers.store.sites import SILENT
from consumers.store.spans import Look

Camera = tuple[str, str]
_GROUPS = """
    SELECT g.group_id, g.name, g.created_at, coalesce(seen.states, '{{}}') AS camera_states,
        seen.last_event_at,
        (SELECT count(*) FROM camera_group_members m
            WHERE m.group_id = g.group_id AND {member}) AS members
    FROM (SELECT * FROM camera_groups WHERE {visible} AND {place} AND group_id = coalesce(%(group)s, group_id)
        ORDER BY {order} LIMIT %(rows)s) AS g
    LEFT JOIN LATERAL (
        SELECT jsonb_object_agg(state, number) AS states, max(last_event_at) AS last_event_at
        FROM (
            SELECT CASE WHEN h.at IS NULL OR {silent} THEN 'unknown' ELSE h.state END AS state,
                count(*) AS number, max(c.last_event_at) AS last_event_at
            FROM camera_group_members m
            JOIN cameras c USING (site, camera)
            LEFT JOIN health h ON h.health_id = c.site || '/' || c.camera
            WHERE m.group_id = g.group_id AND {scope} GROUP BY 1
        ) AS by_state
    ) AS seen ON true
    ORDER BY {order}
"""


async def find_groups(
    connection: Connection, scope: Scope, look: Look, group_id: UUID | None = None
) -> list[dict[str, Any]]:
    """Return groups of which anything may be seen, with what may be seen of their cameras.

    Raises:
        Retryable: Postgres does not answer.
    """
    query = sql.SQL(_GROUPS).format(
        visible=scope.names_group("camera_groups.group_id"),
        member=scope.condition("m.site", "m.camera"),
        place=look.condition,
        order=look.order,
        silent=sql.SQL(SILENT),
        scope=scope.condition("c.site", "c.camera"),
    )
    values = {**look.values, "rows": look.rows, "group": group_id}
    return await (await connection.execute(query, values)).fetchall()


async def members_of(connection: Connection, group_id: UUID) -> list[Camera]:
    """Return the cameras of a group as (site, camera).

    Raises:
        Retryable: Postgres does not answer.
    """
    found = await connection.execute(
        "SELECT site, camera FROM camera_group_members WHERE group_id = %s ORDER BY site, camera",
        [group_id],
    )
    return [(row["site"], row["camera"]) for row in await found.fetchall()]


async def lock_group(connection: Connection, group_id: UUID) -> None:
    """Hold a group until the transaction ends.

    Raises:
        Retryable: Postgres does not answer.
    """
    await connection.execute("SELECT FROM camera_groups WHERE group_id = %s FOR UPDATE", [group_id])


async def unknown_cameras(connection: Connection, cameras: Collection[Camera]) -> list[Camera]:
    """Return those of these cameras that the organisation does not have.

    Raises:
        Retryable: Postgres does not answer.
    """
    wanted = sorted(set(cameras))
    found = await connection.execute(
        "SELECT site, camera FROM unnest(%s::text[], %s::text[]) AS wanted (site, camera) "
        "WHERE NOT EXISTS (SELECT FROM cameras WHERE cameras.site = wanted.site "
        "AND cameras.camera = wanted.camera)",
        [[site for site, _ in wanted], [camera for _, camera in wanted]],
    )
    return [(row["site"], row["camera"]) for row in await found.fetchall()]


async def make_group(connection: Connection, organisation_id: UUID, name: str) -> UUID | None:
    """Make an empty group and return its id; None if the name is taken.

    Raises:
        Retryable: Postgres does not answer.
    """
    made = await connection.execute(
        "INSERT INTO camera_groups (organisation_id, name) VALUES (%s, %s) "
        "ON CONFLICT DO NOTHING RETURNING group_id",
        [organisation_id, name],
    )
    row = await made.fetchone()
    return None if row is None else row["group_id"]


async def set_group(
    connection: Connection,
    organisation_id: UUID,
    group_id: UUID,
    name: str,
    cameras: Collection[Camera],
) -> None:
    """Give a group its name and its cameras.

    Raises:
        Retryable: Postgres does not answer.
    """
    wanted = sorted(set(cameras))
    values = {
        "group": group_id,
        "organisation": organisation_id,
        "name": name,
        "sites": [site for site, _ in wanted],
        "cameras": [camera for _, camera in wanted],
    }
    statements = (
        "UPDATE camera_groups SET name = %(name)s WHERE group_id = %(group)s AND name <> %(name)s",
        (
            "DELETE FROM camera_group_members WHERE group_id = %(group)s AND (site, camera) "
            "NOT IN (SELECT * FROM unnest(%(sites)s::text[], %(cameras)s::text[]))"
        ),
        (
            "INSERT INTO camera_group_members (group_id, site, camera, organisation_id) "
            "SELECT %(group)s, site, camera, %(organisation)s "
            "FROM unnest(%(sites)s::text[], %(cameras)s::text[]) AS wanted (site, camera) "
            "ON CONFLICT DO NOTHING"
        ),
    )
    for statement in statements:
        await connection.execute(statement, values)


async def remove_group(connection: Connection, group_id: UUID) -> None:
    """Remove a group; its cameras stay.

    Raises:
        Retryable: Postgres does not answer.
    """
    await connection.execute("DELETE FROM camera_groups WHERE group_id = %s", [group_id])
