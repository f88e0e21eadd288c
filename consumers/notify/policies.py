"""Policies out of Postgres, as they are in the caller's transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, LiteralString
from uuid import UUID

import structlog
from psycopg import sql
from pydantic import ValidationError

from consumers.access.limits import SCOPE_COLUMNS, scope_of
from consumers.access.principal import Scope
from consumers.api.shapes.routing import Escalation, Route
from consumers.notify.policy import Mute, Policy, Reach
from consumers.notify.targets.registry import KINDS
from consumers.store.database import Connection

_LOG = structlog.get_logger("notify")
# A user's own targets hear of what the user may see now: a member, not disabled, within limits.
_TARGETS = sql.SQL(
    "SELECT t.organisation_id, t.target_id, t.kind, t.user_id, {scope} "
    "FROM notify_targets t "
    "LEFT JOIN memberships m USING (user_id, organisation_id) "
    "LEFT JOIN users u ON u.user_id = t.user_id "
    "WHERE t.organisation_id = ANY(%s) AND t.enabled "
    "AND (t.user_id IS NULL OR (m.user_id IS NOT NULL AND u.disabled_at IS NULL)) "
    "ORDER BY t.created_at, t.target_id"
)


async def load_policies(
    connection: Connection, organisations: Sequence[UUID], now_at: int
) -> dict[UUID, Policy]:
    """Return the policy of each of these organisations at ``now_at`` (UTC ms)."""
    ids = list(organisations)
    routes = await _documents(connection, "notify_routes", "route_id", Route, ids)
    escalations = await _documents(
        connection, "notify_escalations", "escalation_id", Escalation, ids
    )
    targets: dict[UUID, dict[UUID, Reach]] = defaultdict(dict)
    scope = sql.SQL(SCOPE_COLUMNS.format(who="m"))
    for row in await _rows(connection, _TARGETS.format(scope=scope), ids):
        kind = KINDS.get(row["kind"])
        if kind is None:
            continue
        targets[row["organisation_id"]][row["target_id"]] = Reach(
            user_id=row["user_id"],
            scope=Scope() if row["user_id"] is None else scope_of(row, "m"),
            collects=kind.collects,
            states=kind.states,
        )
    groups: dict[UUID, dict[UUID, set[tuple[str, str]]]] = defaultdict(lambda: defaultdict(set))
    for row in await _rows(
        connection,
        "SELECT organisation_id, group_id, site, camera FROM camera_group_members "
        "WHERE organisation_id = ANY(%s)",
        ids,
    ):
        groups[row["organisation_id"]][row["group_id"]].add((row["site"], row["camera"]))
    mutes: dict[UUID, list[Mute]] = defaultdict(list)
    now = datetime.fromtimestamp(now_at / 1000, UTC)
    for row in await _rows(
        connection,
        "SELECT organisation_id, user_id, site, camera, rule, until FROM notify_mutes "
        "WHERE organisation_id = ANY(%s) AND until > %s",
        ids,
        now,
    ):
        mutes[row["organisation_id"]].append(
            Mute(
                until=int(row["until"].timestamp() * 1000),
                user_id=row["user_id"],
                site=row["site"],
                camera=row["camera"],
                rule=row["rule"],
            )
        )
    return {
        organisation: Policy(
            routes=routes.get(organisation, {}),
            escalations=escalations.get(organisation, {}),
            targets=targets.get(organisation, {}),
            groups={
                group: frozenset(members) for group, members in groups.get(organisation, {}).items()
            },
            mutes=tuple(mutes.get(organisation, ())),
        )
        for organisation in ids
    }


async def _documents(
    connection: Connection, table: str, key: str, kind: type[Any], organisations: list[UUID]
) -> dict[UUID, dict[UUID, Any]]:
    query = sql.SQL(
        "SELECT organisation_id, {key} AS id, document FROM {table} "
        "WHERE organisation_id = ANY(%s) ORDER BY created_at, {key}"
    ).format(key=sql.Identifier(key), table=sql.Identifier(table))
    found: dict[UUID, dict[UUID, Any]] = defaultdict(dict)
    for row in await _rows(connection, query, organisations):
        try:
            found[row["organisation_id"]][row["id"]] = kind.model_validate(row["document"])
        except ValidationError as error:
            # One that an older version wrote must not silence the others.
            _LOG.error(
                "a stored document cannot be read",
                table=table,
                id=str(row["id"]),
                faults=error.error_count(),
            )
    return found


async def _rows(
    connection: Connection, query: LiteralString | sql.Composed, *values: object
) -> list[dict[str, Any]]:
    return await (await connection.execute(query, values)).fetchall()
