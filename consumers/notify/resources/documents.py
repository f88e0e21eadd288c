"""Routes and escalations: documents that several people change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from psycopg import sql
from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb

from consumers.access.audit import note
from consumers.access.permissions import Permission
from consumers.access.principal import Principal, Scope
from consumers.api.context import Parts
from consumers.api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, page
from consumers.api.preconditions import CHANGED_ELSEWHERE, IfMatch, insist, version_tag
from consumers.api.problems import Problem
from consumers.api.security import allow
from consumers.api.shapes.routing import (
    Escalation,
    Recipients,
    Route,
    StoredEscalation,
    StoredRoute,
)
from consumers.notify.resources.common import (
    ANY,
    BY_NAME,
    CONFLICT,
    MAX_ESCALATIONS,
    MAX_ROUTES,
    PATH,
    leave_room,
    listed,
    name_taken,
    one,
)
from consumers.store.database import Connection
from schemas.errors import Rejected

router = APIRouter(prefix=PATH, tags=["notifications"])
Reader = Annotated[Principal, allow(Permission.NOTIFY_READ)]
Writer = Annotated[Principal, allow(Permission.NOTIFY_WRITE)]


@router.get("/routes")
async def list_routes(
    request: Request,
    parts: Parts,
    principal: Reader,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[StoredRoute]:
    """List routes by name, of those that name nothing beyond what you may see."""
    seen = _seen(principal.scope)
    async with parts.database.tenant(principal.organisation_id) as connection:
        rows = await listed(connection, "notify_routes", BY_NAME, limit, cursor, seen)
    return page(request, rows, limit, BY_NAME, lambda row: StoredRoute(**_told(row, "route_id")))


@router.post("/routes", status_code=201, responses=CONFLICT)
async def create_route(
    body: Route, parts: Parts, principal: Writer, response: Response
) -> StoredRoute:
    """Make a route: who is told of which events, and how."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        await leave_room(connection, "notify_routes", MAX_ROUTES)
        await _check_route(connection, body)
        row = await _insert(connection, principal, "notify_routes", body.name, _plain(body))
    return StoredRoute(**_answered(row, "route_id", response))


@router.get("/routes/{route_id}")
async def get_route(
    route_id: UUID, parts: Parts, principal: Reader, response: Response
) -> StoredRoute:
    """Return one route."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        row = await _find(connection, "notify_routes", "route_id", route_id, _seen(principal.scope))
    return StoredRoute(**_answered(row, "route_id", response))


@router.put("/routes/{route_id}", responses=CHANGED_ELSEWHERE | CONFLICT)
async def put_route(
    route_id: UUID,
    body: Route,
    parts: Parts,
    principal: Writer,
    response: Response,
    if_match: IfMatch = None,
) -> StoredRoute:
    """Change a route, for events that come from now on."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        row = await _find(connection, "notify_routes", "route_id", route_id)
        insist(if_match, version_tag(row["revision"]))
        await _check_route(connection, body)
        row = await _update(
            connection, principal, "notify_routes", "route_id", route_id, body.name, _plain(body)
        )
    return StoredRoute(**_answered(row, "route_id", response))


@router.delete("/routes/{route_id}", status_code=204)
async def delete_route(route_id: UUID, parts: Parts, principal: Writer) -> None:
    """Remove a route; what was planned by it is still sent."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        row = await one(
            connection,
            "DELETE FROM notify_routes WHERE route_id = %s RETURNING name",
            [route_id],
            "route",
        )
        await note(connection, principal, "notify.route.delete", row["name"])


@router.get("/escalations")
async def list_escalations(
    request: Request,
    parts: Parts,
    principal: Reader,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[StoredEscalation]:
    """List escalations by name."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        rows = await listed(connection, "notify_escalations", BY_NAME, limit, cursor)
    return page(
        request,
        rows,
        limit,
        BY_NAME,
        lambda row: StoredEscalation(**_told(row, "escalation_id")),
    )


@router.post("/escalations", status_code=201, responses=CONFLICT)
async def create_escalation(
    body: Escalation, parts: Parts, principal: Writer, response: Response
) -> StoredEscalation:
    """Make an escalation: who is told, in steps, of what nobody acknowledges."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        await leave_room(connection, "notify_escalations", MAX_ESCALATIONS)
        await _check_recipients(connection, body.steps)
        row = await _insert(connection, principal, "notify_escalations", body.name, _plain(body))
    return StoredEscalation(**_answered(row, "escalation_id", response))


@router.get("/escalations/{escalation_id}")
async def get_escalation(
    escalation_id: UUID, parts: Parts, principal: Reader, response: Response
) -> StoredEscalation:
    """Return one escalation."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        row = await _find(connection, "notify_escalations", "escalation_id", escalation_id)
    return StoredEscalation(**_answered(row, "escalation_id", response))


@router.put("/escalations/{escalation_id}", responses=CHANGED_ELSEWHERE | CONFLICT)
async def put_escalation(
    escalation_id: UUID,
    body: Escalation,
    parts: Parts,
    principal: Writer,
    response: Response,
    if_match: IfMatch = None,
) -> StoredEscalation:
    """Change an escalation, for events that come from now on."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        row = await _find(connection, "notify_escalations", "escalation_id", escalation_id)
        insist(if_match, version_tag(row["revision"]))
        await _check_recipients(connection, body.steps)
        row = await _update(
            *(connection, principal, "notify_escalations", "escalation_id", escalation_id),
            *(body.name, _plain(body)),
        )
    return StoredEscalation(**_answered(row, "escalation_id", response))


@router.delete("/escalations/{escalation_id}", status_code=204, responses=CONFLICT)
async def delete_escalation(escalation_id: UUID, parts: Parts, principal: Writer) -> None:
    """Remove an escalation that no route names."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        row = await _find(connection, "notify_escalations", "escalation_id", escalation_id)
        used = await connection.execute(
            "SELECT name FROM notify_routes WHERE document->>'escalation' = %s",
            [str(escalation_id)],
        )
        names = [found["name"] for found in await used.fetchall()]
        if names:
            raise Problem(
                409,
                "in-use",
                "In use",
                f"it is named by {', '.join(names)[:300]}: take it out there first",
            )
        await connection.execute(
            "DELETE FROM notify_escalations WHERE escalation_id = %s", [escalation_id]
        )
        await note(connection, principal, "notify.escalation.delete", row["name"])


async def _check_route(connection: Connection, route: Route) -> None:
    await _check_recipients(connection, [route])
    if route.escalation is not None:
        await _known(
            *(connection, "notify_escalations", "escalation_id", [route.escalation]), "escalation"
        )
    groups = route.when.camera_groups
    await _known(connection, "camera_groups", "group_id", groups, "camera group")
    sites = {*route.when.sites, *(camera.site for camera in route.when.cameras)}
    await _known(connection, "sites", "site", sorted(sites), "site")


async def _check_recipients(connection: Connection, given: Iterable[Recipients]) -> None:
    everybody = list(given)
    targets = {target for one_of in everybody for target in one_of.targets}
    users = {user for one_of in everybody for user in one_of.users}
    await _known(
        *(connection, "notify_targets", "target_id", sorted(targets), "target"),
        sql.SQL("user_id IS NULL"),
    )
    await _known(connection, "members", "user_id", sorted(users), "user")


async def _known(
    connection: Connection,
    table: str,
    key: str,
    wanted: list[Any],
    what: str,
    condition: sql.Composable = ANY,
) -> None:
    """Insist that all of these are the organisation's."""
    if not wanted:
        return
    query = sql.SQL("SELECT {key} AS found FROM {table} WHERE {key} = ANY(%s) AND {more}").format(
        key=sql.Identifier(key), table=sql.Identifier(table), more=condition
    )
    found = {row["found"] for row in await (await connection.execute(query, [wanted])).fetchall()}
    strange = [str(one_of) for one_of in wanted if one_of not in found]
    if strange:
        raise Rejected(
            f"this organisation has no {what} {', '.join(strange)[:300]}",
            reason=f"unknown-{what.replace(' ', '-')}",
        )


def _seen(scope: Scope) -> sql.Composable:
    """Return the condition that all sites, cameras and groups that a route names may be seen."""
    return sql.SQL(
        "NOT EXISTS (SELECT FROM jsonb_array_elements_text(document #> '{{when,sites}}') "
        "AS named (site) WHERE NOT {site}) "
        "AND NOT EXISTS (SELECT FROM jsonb_to_recordset(document #> '{{when,cameras}}') "
        "AS named (site text, camera text) WHERE NOT {camera}) "
        "AND NOT EXISTS (SELECT FROM (SELECT value::uuid AS group_id FROM "
        "jsonb_array_elements_text(document #> '{{when,camera_groups}}')) AS named WHERE NOT {group})"
    ).format(
        site=scope.names_site("named.site"),
        camera=scope.condition("named.site", "named.camera"),
        group=scope.names_group("named.group_id"),
    )


async def _find(
    connection: Connection, table: str, key: str, value: UUID, condition: sql.Composable = ANY
) -> dict[str, Any]:
    query = sql.SQL("SELECT * FROM {} WHERE {} = %s AND {} FOR UPDATE").format(
        sql.Identifier(table), sql.Identifier(key), condition
    )
    return await one(connection, query, [value], _word(table))


async def _insert(
    connection: Connection, principal: Principal, table: str, name: str, document: dict[str, Any]
) -> dict[str, Any]:
    query = sql.SQL(
        "INSERT INTO {} (organisation_id, name, document) VALUES (%s, %s, %s) RETURNING *"
    ).format(sql.Identifier(table))
    try:
        row = await one(
            connection, query, [principal.organisation_id, name, Jsonb(document)], _word(table)
        )
    except UniqueViolation:
        raise name_taken(name) from None
    await note(connection, principal, f"notify.{_word(table)}.create", name, document)
    return row


async def _update(
    connection: Connection,
    principal: Principal,
    table: str,
    key: str,
    value: UUID,
    name: str,
    document: dict[str, Any],
) -> dict[str, Any]:
    query = sql.SQL(
        "UPDATE {} SET name = %s, document = %s, revision = revision + 1, "
        "changed_at = clock_timestamp() WHERE {} = %s RETURNING *"
    ).format(sql.Identifier(table), sql.Identifier(key))
    try:
        row = await one(connection, query, [name, Jsonb(document), value], _word(table))
    except UniqueViolation:
        raise name_taken(name) from None
    await note(connection, principal, f"notify.{_word(table)}.change", name, document)
    return row


def _word(table: str) -> str:
    return table.removeprefix("notify_").removesuffix("s")


def _plain(body: Route | Escalation) -> dict[str, Any]:
    return body.model_dump(mode="json")


def _told(row: Any, key: str) -> dict[str, Any]:
    times = {"created_at": row["created_at"], "changed_at": row["changed_at"]}
    return {**row["document"], key: row[key], **times}


def _answered(row: Any, key: str, response: Response) -> dict[str, Any]:
    response.headers["ETag"] = version_tag(row["revision"])
    return _told(row, key)
