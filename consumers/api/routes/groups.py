"""Groups of cameras: for filters, and for what somebody is limited to."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import psycopg
from fastapi import APIRouter, Path, Query, Request, Response

from consumers.access.audit import note
from consumers.access.permissions import Permission
from consumers.access.principal import Principal
from consumers.api.context import Parts
from consumers.api.idempotency import REPEATABLE, Answer, Once
from consumers.api.paging import Keyset, Page, page
from consumers.api.preconditions import CHANGED_ELSEWHERE, IfMatch, content_tag, insist
from consumers.api.problems import Problem, ProblemDocument, not_found
from consumers.api.security import allow
from consumers.api.shapes.common import PageQuery, pairs
from consumers.api.shapes.sites import CameraGroup, CameraGroupBody, CameraGroupDetails
from consumers.store import groups
from consumers.store.database import Connection

router = APIRouter(tags=["sites"])
BY_NAME = Keyset(("name", str), ("group_id", UUID))
GroupId = Annotated[UUID, Path(description="Of the group.")]
MayRead = Annotated[Principal, allow(Permission.SITES_READ)]
MayWrite = Annotated[Principal, allow(Permission.SITES_WRITE)]
TAKEN: dict[int | str, dict[str, Any]] = {
    409: {"model": ProblemDocument, "description": "Another group has this name."}
}


@router.get("/api/v1/camera-groups")
async def list_camera_groups(
    request: Request, query: Annotated[PageQuery, Query()], principal: MayRead, parts: Parts
) -> Page[CameraGroup]:
    """List groups by name: those that you are limited to, or of which you may see a camera."""
    look = BY_NAME.look(query.cursor, query.limit)
    async with parts.database.tenant(principal.organisation_id) as connection:
        rows = await groups.find_groups(connection, principal.scope, look)
    return page(request, rows, query.limit, BY_NAME, CameraGroup.model_validate)


@router.post(
    "/api/v1/camera-groups",
    status_code=201,
    response_model=CameraGroupDetails,
    responses=REPEATABLE | TAKEN,
)
async def make_camera_group(body: CameraGroupBody, principal: MayWrite, once: Once) -> Response:
    """Make a group."""

    async def work(connection: Connection) -> Answer:
        cameras = await _known(connection, principal, body, None)
        group_id = await groups.make_group(connection, principal.organisation_id, body.name)
        if group_id is None:
            raise _taken(body.name)
        await groups.set_group(connection, principal.organisation_id, group_id, body.name, cameras)
        await _note(connection, principal, "camera-group.make", group_id, body)
        shown = await _group(connection, principal, group_id)
        headers = {"Location": f"/api/v1/camera-groups/{group_id}", "ETag": _tag(shown)}
        return Answer(shown, status=201, headers=headers)

    return await once(principal, work)


@router.get("/api/v1/camera-groups/{group_id}")
async def get_camera_group(
    group_id: GroupId, response: Response, principal: MayRead, parts: Parts
) -> CameraGroupDetails:
    """Show a group with those of its cameras that you may see."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        shown = await _group(connection, principal, group_id)
    response.headers["ETag"] = _tag(shown)
    return shown


@router.put("/api/v1/camera-groups/{group_id}", responses=CHANGED_ELSEWHERE | TAKEN)
async def change_camera_group(
    group_id: GroupId,
    body: CameraGroupBody,
    response: Response,
    principal: MayWrite,
    parts: Parts,
    if_match: IfMatch = None,
) -> CameraGroupDetails:
    """Give a group this name and these cameras; whoever is limited to it sees them from now on."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        await _changeable(connection, principal, group_id, if_match)
        cameras = await _known(connection, principal, body, group_id)
        try:
            await groups.set_group(
                connection, principal.organisation_id, group_id, body.name, cameras
            )
        except psycopg.errors.UniqueViolation:
            raise _taken(body.name) from None
        await _note(connection, principal, "camera-group.change", group_id, body)
        shown = await _group(connection, principal, group_id)
    response.headers["ETag"] = _tag(shown)
    return shown


@router.delete("/api/v1/camera-groups/{group_id}", status_code=204, responses=CHANGED_ELSEWHERE)
async def remove_camera_group(
    group_id: GroupId, principal: MayWrite, parts: Parts, if_match: IfMatch = None
) -> None:
    """Remove a group; its cameras stay. Whoever is limited to it alone sees nothing any more."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        shown = await _changeable(connection, principal, group_id, if_match)
        await groups.remove_group(connection, group_id)
        details = {"name": shown.name}
        await note(connection, principal, "camera-group.remove", str(group_id), details)


async def _changeable(
    connection: Connection, principal: Principal, group_id: UUID, if_match: str | None
) -> CameraGroupDetails:
    await groups.lock_group(connection, group_id)
    shown = await _group(connection, principal, group_id)
    members = await groups.members_of(connection, group_id)
    if not all(principal.scope.allows(*one) for one in members):
        raise Problem(
            403,
            "forbidden",
            "Not allowed",
            "the group has cameras that you may not see: ask somebody who may see all of them",
        )
    insist(if_match, _tag(shown))
    return shown


async def _known(
    connection: Connection, principal: Principal, body: CameraGroupBody, group_id: UUID | None
) -> tuple[tuple[str, str], ...]:
    cameras = pairs(body.cameras)
    scope = principal.scope
    if not (cameras or scope.everything or group_id in scope.groups):
        raise Problem(
            422, "invalid", "No cameras", "without a camera you would not see the group: name one"
        )
    unknown = [one for one in cameras if not scope.allows(*one)]
    unknown = unknown or await groups.unknown_cameras(connection, cameras)
    if unknown:
        faults = [
            {"where": "body.cameras", "what": f"there is no camera {site}/{camera}"}
            for site, camera in unknown[:100]
        ]
        raise Problem(422, "invalid", "No such cameras", "see GET /api/v1/cameras", errors=faults)
    return cameras


async def _note(
    connection: Connection,
    principal: Principal,
    action: str,
    group_id: UUID,
    body: CameraGroupBody,
) -> None:
    await note(connection, principal, action, str(group_id), body.model_dump())


async def _group(
    connection: Connection, principal: Principal, group_id: UUID
) -> CameraGroupDetails:
    look = BY_NAME.look(None, 1)
    rows = await groups.find_groups(connection, principal.scope, look, group_id)
    if not rows:
        raise not_found("camera group")
    members = await groups.members_of(connection, group_id)
    cameras = [
        f"{site}/{camera}" for site, camera in members if principal.scope.allows(site, camera)
    ]
    return CameraGroupDetails.model_validate({**rows[0], "cameras": cameras})


def _tag(shown: CameraGroupDetails) -> str:
    return content_tag(shown.model_dump_json(include={"name", "cameras"}))


def _taken(name: str) -> Problem:
    return Problem(
        409,
        "name-taken",
        "The name is taken",
        f"there is another group {name!r}: choose another name",
    )
