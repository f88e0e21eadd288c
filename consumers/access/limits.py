"""What a member, an invitation or a key is limited to, and the scope that it means at present."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import sql

from consumers.access.principal import Scope
from consumers.store.database import Connection
from schemas.errors import Rejected

EVERYTHING = Scope()
SCOPE_COLUMNS = """
    CASE WHEN {who}.limited THEN ARRAY(
        SELECT s.site FROM sites s
        WHERE s.site = ANY({who}.sites) AND s.organisation_id = {who}.organisation_id
    ) END AS {who}_sites,
    CASE WHEN {who}.limited THEN ARRAY(
        SELECT ARRAY[g.site, g.camera] FROM camera_group_members g
        WHERE g.group_id = ANY({who}.group_ids) AND g.organisation_id = {who}.organisation_id
    ) END AS {who}_cameras,
    {who}.group_ids AS {who}_groups
"""
"""What :func:`scope_of` reads, for a table ``who`` with columns limited, sites and group_ids."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Only these sites, and the cameras of these groups; nothing limited if ``None`` stands for it."""

    sites: tuple[str, ...] = ()
    group_ids: tuple[UUID, ...] = ()


def columns(limits: Limits | None) -> dict[str, Any]:
    """Return the three columns that hold it."""
    return {
        "limited": limits is not None,
        "sites": list(limits.sites) if limits else [],
        "group_ids": list(limits.group_ids) if limits else [],
    }


def limits_of(row: Mapping[str, Any]) -> Limits | None:
    """Read the three columns."""
    return Limits(tuple(row["sites"]), tuple(row["group_ids"])) if row["limited"] else None


def scope_of(row: Mapping[str, Any], who: str) -> Scope:
    """Read what ``SCOPE_COLUMNS`` selected for ``who``."""
    if row[f"{who}_sites"] is None:
        return Scope()
    return Scope(
        everything=False,
        sites=frozenset(row[f"{who}_sites"]),
        cameras=frozenset((site, camera) for site, camera in row[f"{who}_cameras"]),
        groups=frozenset(row[f"{who}_groups"]),
    )


async def check_limits(
    connection: Connection, organisation_id: UUID, limits: Limits, scope: Scope = EVERYTHING
) -> None:
    """Insist that the sites and groups are the organisation's, and may be named within ``scope``.

    Raises:
        Rejected: one is not.
    """
    query = sql.SQL(
        "SELECT ARRAY(SELECT site FROM sites WHERE organisation_id = %(own)s "
        "AND site = ANY(%(sites)s) AND {}) AS sites, "
        "ARRAY(SELECT group_id FROM camera_groups AS g WHERE organisation_id = %(own)s "
        "AND group_id = ANY(%(groups)s) AND {}) AS groups"
    ).format(scope.names_site(), scope.names_group("g.group_id"))
    found = await connection.execute(
        query,
        {"own": organisation_id, "sites": list(limits.sites), "groups": list(limits.group_ids)},
    )
    row = await found.fetchone()
    assert row is not None
    strange = [*(set(limits.sites) - set(row["sites"]))]
    strange += [str(one) for one in set(limits.group_ids) - set(row["groups"])]
    if strange:
        raise Rejected(
            f"this organisation has no site or camera group {', '.join(sorted(strange))[:200]}",
            reason="unknown-limit",
        )
