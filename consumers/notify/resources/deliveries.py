"""Deliveries: what became of each notification; dead letters are tried again or dropped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from psycopg import sql
from pydantic import Field

from consumers.access.audit import note
from consumers.access.permissions import Permission
from consumers.access.principal import Principal
from consumers.api.context import Parts
from consumers.api.paging import DEFAULT_LIMIT, Cursor, Keyset, Limit, Page, page
from consumers.api.problems import Problem
from consumers.api.security import allow
from consumers.api.shapes.notifications import MOST_AT_ONCE, Delivery, HowMany, Status
from consumers.api.shapes.routing import Document
from consumers.notify.resources.common import CONFLICT, PATH, listed, one
from consumers.notify.routing import GIVE_UP_AFTER_MS

router = APIRouter(prefix=PATH, tags=["notifications"])
Reader = Annotated[Principal, allow(Permission.NOTIFY_READ)]
Writer = Annotated[Principal, allow(Permission.NOTIFY_WRITE)]
NEWEST_FIRST = Keyset(("place", int), descending=True)
EventId = Annotated[str, Query(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class WhichDead(Document):
    """Which dead letters are meant."""

    target_id: UUID | None = Field(None, description="Of this target; null: of all.")


@router.get("/deliveries")
async def list_deliveries(
    request: Request,
    parts: Parts,
    principal: Reader,
    status: Annotated[Status | None, Query(description="Only these.")] = None,
    target_id: Annotated[UUID | None, Query(description="To this target.")] = None,
    event_id: EventId | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[Delivery]:
    """List deliveries of the last 30 days, the newest first."""
    wanted = {"status": status, "target_id": target_id, "event_id": event_id}
    tests: list[sql.Composable] = [
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name))
        for name, value in wanted.items()
        if value is not None
    ]
    condition = sql.SQL(" AND ").join([principal.scope.condition(), *tests])
    async with parts.database.tenant(principal.organisation_id) as connection:
        rows = await listed(
            connection, "notify_deliveries", NEWEST_FIRST, limit, cursor, condition, wanted
        )
    return page(request, rows, limit, NEWEST_FIRST, Delivery.of_row)


@router.get("/deliveries/{delivery_id}")
async def get_delivery(delivery_id: UUID, parts: Parts, principal: Reader) -> Delivery:
    """Return one delivery."""
    query = sql.SQL("SELECT * FROM notify_deliveries WHERE delivery_id = %s AND {}").format(
        principal.scope.condition()
    )
    async with parts.database.tenant(principal.organisation_id) as connection:
        return Delivery.of_row(await one(connection, query, [delivery_id], "delivery"))


@router.get("/dead-letters")
async def list_dead_letters(
    request: Request,
    parts: Parts,
    principal: Reader,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[Delivery]:
    """List deliveries that were given up, the newest first."""
    condition = sql.SQL("status = 'dead' AND {}").format(principal.scope.condition())
    async with parts.database.tenant(principal.organisation_id) as connection:
        rows = await listed(connection, "notify_deliveries", NEWEST_FIRST, limit, cursor, condition)
    return page(request, rows, limit, NEWEST_FIRST, Delivery.of_row)


@router.post("/dead-letters/replay")
async def replay_dead_letters(body: WhichDead, parts: Parts, principal: Writer) -> HowMany:
    """Try dead letters again, oldest first; those whose target is gone stay dead."""
    return await _all_dead(body, parts, principal, "replay")


@router.post("/dead-letters/drop")
async def drop_dead_letters(body: WhichDead, parts: Parts, principal: Writer) -> HowMany:
    """Give dead letters up for good."""
    return await _all_dead(body, parts, principal, "drop")


@router.post("/deliveries/{delivery_id}/replay", responses=CONFLICT)
async def replay_delivery(delivery_id: UUID, parts: Parts, principal: Writer) -> Delivery:
    """Try one dead letter again."""
    return await _one_dead(delivery_id, parts, principal, "replay")


@router.post("/deliveries/{delivery_id}/drop", responses=CONFLICT)
async def drop_delivery(delivery_id: UUID, parts: Parts, principal: Writer) -> Delivery:
    """Give one dead letter up for good."""
    return await _one_dead(delivery_id, parts, principal, "drop")


Doing = Literal["replay", "drop"]
_CHANGES: dict[Doing, sql.SQL] = {
    # With the id and number that it had: a target that did get it knows it again.
    "replay": sql.SQL(
        "status = 'pending', attempts = 0, reason = '', due_at = %(now)s, "
        "snapshot_until = NULL, give_up_at = %(give_up)s, ended_at = NULL"
    ),
    "drop": sql.SQL("status = 'dropped', ended_at = %(now)s"),
}
_POSSIBLE: dict[Doing, sql.SQL] = {
    "replay": sql.SQL(
        "EXISTS (SELECT FROM notify_targets t WHERE t.target_id = notify_deliveries.target_id)"
    ),
    "drop": sql.SQL("true"),
}


async def _all_dead(body: WhichDead, parts: Parts, principal: Principal, doing: Doing) -> HowMany:
    query = sql.SQL(
        "UPDATE notify_deliveries SET {} WHERE delivery_id IN (SELECT delivery_id "
        "FROM notify_deliveries WHERE status = 'dead' AND {} AND "
        "(%(target)s::uuid IS NULL OR target_id = %(target)s) ORDER BY place LIMIT %(most)s "
        "FOR UPDATE)"
    ).format(_CHANGES[doing], _POSSIBLE[doing])
    values = {**_times(), "target": body.target_id, "most": MOST_AT_ONCE}
    async with parts.database.tenant(principal.organisation_id) as connection:
        changed = await connection.execute(query, values)
        details = {"deliveries": changed.rowcount, "target_id": str(body.target_id or "")}
        await note(connection, principal, f"notify.dead-letters.{doing}", "all", details)
    return HowMany(deliveries=changed.rowcount)


async def _one_dead(
    delivery_id: UUID, parts: Parts, principal: Principal, doing: Doing
) -> Delivery:
    query = sql.SQL(
        "UPDATE notify_deliveries SET {} WHERE delivery_id = %(id)s AND status = 'dead' AND {} "
        "RETURNING *"
    ).format(_CHANGES[doing], _POSSIBLE[doing])
    async with parts.database.tenant(principal.organisation_id) as connection:
        await one(
            connection,
            "SELECT 1 AS there FROM notify_deliveries WHERE delivery_id = %s",
            [delivery_id],
            "delivery",
        )
        found = await connection.execute(query, {**_times(), "id": delivery_id})
        row = await found.fetchone()
        if row is None:
            raise Problem(
                409, "not-dead", "Not dead", "it is no dead letter, or its target is gone"
            )
        await note(connection, principal, f"notify.dead-letters.{doing}", str(delivery_id))
    return Delivery.of_row(row)


def _times() -> dict[str, datetime]:
    now = datetime.now(UTC)
    return {"now": now, "give_up": now + timedelta(milliseconds=GIVE_UP_AFTER_MS)}
