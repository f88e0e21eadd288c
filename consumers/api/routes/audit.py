"""The audit trail."""

from __future__ import annotations

import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from psycopg import sql
from pydantic import StringConstraints

from consumers.access.permissions import Permission
from consumers.access.principal import Principal
from consumers.api.context import Parts
from consumers.api.paging import DEFAULT_LIMIT, Cursor, Keyset, Limit, Page, page
from consumers.api.security import allow
from consumers.api.shapes.audit import Entry
from consumers.api.texts import Line
from consumers.api.times import When

router = APIRouter(tags=["audit"])
_ORDER = Keyset(("n", int), descending=True)
Action = Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]{1,60}$")]


@router.get("/api/v1/audit", name="list_audit")
async def list_entries(
    request: Request,
    parts: Parts,
    principal: Annotated[Principal, allow(Permission.AUDIT_READ)],
    action: Annotated[Action | None, Query(description="Only this action.")] = None,
    subject: Annotated[Line | None, Query(description="Only about this.")] = None,
    actor: Annotated[UUID | None, Query(description="Only by this user or key.")] = None,
    from_at: Annotated[When | None, Query()] = None,
    to_at: Annotated[When | None, Query(description="Itself excluded.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[Entry]:
    """List the trail, the newest entry first."""
    place = _ORDER.place(cursor)
    tests = {
        "action = %(action)s": action,
        "subject = %(subject)s": subject,
        "actor_id = %(actor)s": actor,
        "at >= %(from_at)s": from_at,
        "at < %(to_at)s": to_at,
    }
    conditions = [sql.SQL(test) for test, value in tests.items() if value is not None]
    query = sql.SQL("SELECT * FROM audit WHERE {} ORDER BY {} LIMIT %(rows)s").format(
        sql.SQL(" AND ").join([*conditions, place.condition]), _ORDER.order()
    )
    values = {
        **place.values,
        "action": action,
        "subject": subject,
        "actor": actor,
        "from_at": from_at,
        "to_at": to_at,
        "rows": limit + 1,
    }
    async with parts.database.tenant(principal.organisation_id) as connection:
        rows = await (await connection.execute(query, values)).fetchall()
    return page(request, rows, limit, _ORDER, _entry)


def _entry(row: Any) -> Entry:
    return Entry(
        **{
            **row,
            "details": json.loads(row["details"]),
            "previous": bytes(row["previous"]).hex(),
            "hash": bytes(row["hash"]).hex(),
        }
    )
