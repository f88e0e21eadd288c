"""Retention, legal hold, erasure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from psycopg import sql
from psycopg.errors import UniqueViolation
from pydantic import BaseModel, Field, model_validator

from consumers.access.audit import note
from consumers.access.permissions import Permission
from consumers.access.principal import Principal
from consumers.api.context import Parts
from consumers.api.idempotency import REPEATABLE, Answer, Once
from consumers.api.paging import DEFAULT_LIMIT, Cursor, Keyset, Limit, Page, page
from consumers.api.problems import Problem, ProblemDocument, not_found
from consumers.api.security import allow
from consumers.api.shapes.keeping import Erasure, Hold, Retention
from consumers.api.texts import Name, Prose, Slug
from consumers.api.times import When
from consumers.store.database import Connection

router = APIRouter(tags=["keeping"])
EventId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Reason = Annotated[Prose, Field(min_length=3)]
ON_HOLD: dict[int | str, dict[str, Any]] = {
    409: {"model": ProblemDocument, "description": "It is on hold already."}
}


class NewHold(BaseModel):
    """Why an event is to be kept whatever the retention says."""

    reason: Reason


class NewErasure(BaseModel):
    """What is to go: everything of a camera, or of a site, in a span of time."""

    site: Slug
    camera: Name | None = Field(None, description="Null: every camera of the site.")
    from_at: When
    to_at: When = Field(description="The end, itself excluded; not in the future.")
    reason: Reason

    @model_validator(mode="after")
    def _in_order(self) -> NewErasure:
        if self.from_at >= self.to_at:
            raise ValueError("from_at is not before to_at")
        if self.to_at > datetime.now(UTC) + timedelta(minutes=1):
            raise ValueError("to_at lies in the future")
        return self


_HOLDS = Keyset(("placed_at", datetime), ("hold_id", str), descending=True)
_ERASURES = Keyset(("requested_at", datetime), ("erasure_id", str), descending=True)


@router.get("/api/v1/retention")
async def get_retention(
    parts: Parts, principal: Annotated[Principal, allow(Permission.RETENTION_WRITE)]
) -> Retention:
    """Return for how long what is kept."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        rows = await (await connection.execute("SELECT kind, days FROM retention")).fetchall()
    return Retention(**{row["kind"]: row["days"] for row in rows})


@router.put("/api/v1/retention")
async def put_retention(
    body: Retention,
    parts: Parts,
    principal: Annotated[Principal, allow(Permission.RETENTION_WRITE)],
) -> Retention:
    """Set for how long what is kept; what is older goes within hours, except under legal hold."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        for kind, days in body.model_dump().items():
            await connection.execute(
                "INSERT INTO retention (organisation_id, kind, days, changed_by) "
                "VALUES (%s, %s, %s, %s) ON CONFLICT (organisation_id, kind) DO UPDATE "
                "SET days = EXCLUDED.days, changed_by = EXCLUDED.changed_by, "
                "changed_at = clock_timestamp()",
                [principal.organisation_id, kind, days, principal.name],
            )
        await note(connection, principal, "retention.change", "retention", body.model_dump())
    return body


@router.post(
    "/api/v1/events/{event_id}/hold",
    status_code=201,
    response_model=Hold,
    responses=REPEATABLE | ON_HOLD,
)
async def place_hold(
    event_id: EventId,
    body: NewHold,
    principal: Annotated[Principal, allow(Permission.HOLDS_WRITE)],
    once: Once,
) -> Response:
    """Keep an event and all its evidence until the hold is released."""

    async def work(connection: Connection) -> Answer:
        query = sql.SQL(
            "INSERT INTO holds (organisation_id, event_id, site, camera, reason, placed_by) "
            "SELECT organisation_id, event_id, site, camera, %(reason)s, %(by)s FROM events "
            "WHERE event_id = %(event)s AND opened_at = "
            "(SELECT opened_at FROM event_places WHERE event_id = %(event)s) AND {} RETURNING *"
        ).format(principal.scope.condition())
        values = {"reason": body.reason, "by": principal.name, "event": event_id}
        try:
            row = await (await connection.execute(query, values)).fetchone()
        except UniqueViolation:
            raise Problem(
                409, "on-hold", "On hold already", f"event {event_id} is on hold already"
            ) from None
        if row is None:
            raise not_found("event")
        await note(connection, principal, "hold.place", event_id, {"reason": body.reason})
        return Answer(Hold(**row), 201)

    return await once(principal, work)


@router.delete("/api/v1/events/{event_id}/hold")
async def release_hold(
    event_id: EventId,
    parts: Parts,
    principal: Annotated[Principal, allow(Permission.HOLDS_WRITE)],
) -> Hold:
    """Release the hold on an event: retention holds for it again."""
    query = sql.SQL(
        "UPDATE holds SET released_by = %s, released_at = clock_timestamp() "
        "WHERE event_id = %s AND released_at IS NULL AND {} RETURNING *"
    ).format(principal.scope.condition())
    async with parts.database.tenant(principal.organisation_id) as connection:
        row = await (await connection.execute(query, [principal.name, event_id])).fetchone()
        if row is None:
            raise not_found("hold")
        await note(connection, principal, "hold.release", event_id)
    return Hold(**row)


@router.get("/api/v1/holds")
async def list_holds(
    request: Request,
    parts: Parts,
    principal: Annotated[Principal, allow(Permission.EVENTS_READ)],
    in_force: Annotated[bool, Query(description="Only those not released.")] = True,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[Hold]:
    """List legal holds, the newest first."""
    test = sql.SQL("released_at IS NULL") if in_force else sql.SQL("true")
    condition = sql.SQL("{} AND {}").format(test, principal.scope.condition())
    async with parts.database.tenant(principal.organisation_id) as connection:
        rows = await _rows(connection, "holds", condition, _HOLDS, limit, cursor)
    return page(request, rows, limit, _HOLDS, lambda row: Hold(**row))


@router.post("/api/v1/erasures", status_code=202, response_model=Erasure, responses=REPEATABLE)
async def request_erasure(
    body: NewErasure,
    principal: Annotated[Principal, allow(Permission.DATA_ERASE)],
    once: Once,
) -> Response:
    """Erase everything of a camera or a site in a span of time.

    Events and their changes, candidates, pictures, clips, tracks and counts go within a minute, and
    so does what the site sends of the span later; rollups and Parquet of it go too, however old.
    Events on legal hold stay; the report names them.
    """
    if not principal.scope.allows(body.site, body.camera):
        raise not_found("site")

    async def work(connection: Connection) -> Answer:
        owned = await connection.execute("SELECT FROM sites WHERE site = %s", [body.site])
        if await owned.fetchone() is None:
            raise not_found("site")
        row = await (
            await connection.execute(
                "INSERT INTO erasures "
                "(organisation_id, site, camera, from_at, to_at, reason, requested_by) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING *",
                [
                    *(principal.organisation_id, body.site, body.camera),
                    *(body.from_at, body.to_at, body.reason, principal.name),
                ],
            )
        ).fetchone()
        assert row is not None
        details = body.model_dump(mode="json")
        await note(connection, principal, "erasure.request", str(row["erasure_id"]), details)
        return Answer(Erasure(**row), 202)

    return await once(principal, work)


@router.get("/api/v1/erasures")
async def list_erasures(
    request: Request,
    parts: Parts,
    principal: Annotated[Principal, allow(Permission.DATA_ERASE)],
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[Erasure]:
    """List erasures with their reports, the newest first."""
    condition = principal.scope.condition()
    async with parts.database.tenant(principal.organisation_id) as connection:
        rows = await _rows(connection, "erasures", condition, _ERASURES, limit, cursor)
    return page(request, rows, limit, _ERASURES, lambda row: Erasure(**row))


@router.get("/api/v1/erasures/{erasure_id}")
async def get_erasure(
    erasure_id: UUID,
    parts: Parts,
    principal: Annotated[Principal, allow(Permission.DATA_ERASE)],
) -> Erasure:
    """Return one erasure with its report."""
    query = sql.SQL("SELECT * FROM erasures WHERE erasure_id = %s AND {}").format(
        principal.scope.condition()
    )
    async with parts.database.tenant(principal.organisation_id) as connection:
        row = await (await connection.execute(query, [erasure_id])).fetchone()
    if row is None:
        raise not_found("erasure")
    return Erasure(**row)


async def _rows(
    connection: Connection,
    table: str,
    condition: sql.Composable,
    order: Keyset,
    limit: int,
    cursor: str | None,
) -> list[dict[str, Any]]:
    place = order.place(cursor)
    query = sql.SQL("SELECT * FROM {} WHERE {} AND {} ORDER BY {} LIMIT %(rows)s").format(
        sql.Identifier(table), condition, place.condition, order.order()
    )
    values = {**place.values, "rows": limit + 1}
    return await (await connection.execute(query, values)).fetchall()
