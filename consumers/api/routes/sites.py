"""Sites and cameras: their names, and how they are now."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import available_timezones

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from consumers.access.audit import note
from consumers.access.permissions import Permission
from consumers.access.principal import Principal
from consumers.api.context import Parts
from consumers.api.paging import Keyset, Page, page
from consumers.api.preconditions import CHANGED_ELSEWHERE, IfMatch, content_tag, insist
from consumers.api.problems import Problem, not_found
from consumers.api.security import allow
from consumers.api.shapes.common import MAX_VALUES, PageQuery
from consumers.api.shapes.sites import (
    Camera,
    CameraChange,
    CameraHealth,
    Health,
    LastEvent,
    Site,
    SiteChange,
)
from consumers.api.texts import Line, Name, Slug
from consumers.store import sites
from consumers.store.conditions import Conditions
from consumers.store.database import Connection

router = APIRouter(tags=["sites"])
BY_SITE = Keyset(("site", str))
BY_CAMERA = Keyset(("c.site", str), ("c.camera", str))
BY_HEALTH = Keyset(("h.health_id", str))
SiteId = Annotated[Slug, Path(description="Of the site.")]
CameraName = Annotated[Name, Path(description="In the site's configuration.")]
MayRead = Annotated[Principal, allow(Permission.SITES_READ)]
MayWrite = Annotated[Principal, allow(Permission.SITES_WRITE)]


class CameraQuery(PageQuery):
    """Which cameras, and the place in the list."""

    site: list[Slug] = Field(default=[], max_length=MAX_VALUES)
    group: UUID | None = Field(default=None, description="In this group.")
    state: list[Line] = Field(default=[], max_length=20, description="Of their health.")


class HealthQuery(PageQuery):
    """Whose health, and the place in the list."""

    site: list[Slug] = Field(default=[], max_length=MAX_VALUES)
    kind: list[Literal["camera", "process"]] = Field(default=[], max_length=2)
    state: list[Line] = Field(default=[], max_length=20)


@router.get("/api/v1/sites")
async def list_sites(
    request: Request, query: Annotated[PageQuery, Query()], principal: MayRead, parts: Parts
) -> Page[Site]:
    """List sites with the state of their cameras, by id."""
    look = BY_SITE.look(query.cursor, query.limit)
    async with parts.database.tenant(principal.organisation_id) as connection:
        rows = await sites.find_sites(connection, principal.scope, look)
    return page(request, rows, query.limit, BY_SITE, Site.model_validate)


@router.get("/api/v1/sites/{site}")
async def get_site(site: SiteId, response: Response, principal: MayRead, parts: Parts) -> Site:
    """Show a site."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        row = await _site(connection, principal, site)
    response.headers["ETag"] = _site_tag(row)
    return Site.model_validate(row)


@router.patch("/api/v1/sites/{site}", responses=CHANGED_ELSEWHERE)
async def change_site(
    site: SiteId,
    change: SiteChange,
    response: Response,
    principal: MayWrite,
    parts: Parts,
    if_match: IfMatch = None,
) -> Site:
    """Name a site, or say in which time zone it lies."""
    wanted = change.model_dump(exclude_none=True)
    async with parts.database.tenant(principal.organisation_id) as connection:
        if not principal.scope.allows(site, None):
            raise not_found("site")
        await connection.execute("SELECT FROM sites WHERE site = %s FOR UPDATE", [site])
        before = await _site(connection, principal, site)
        insist(if_match, _site_tag(before))
        if change.timezone is not None:
            await _insist_on_zone(connection, change.timezone)
        if wanted:
            await connection.execute(
                "UPDATE sites SET name = coalesce(%s, name), timezone = coalesce(%s, timezone) "
                "WHERE site = %s",
                [change.name, change.timezone, site],
            )
            await note(connection, principal, "site.change", site, wanted)
        row = {**before, **wanted}
    response.headers["ETag"] = _site_tag(row)
    return Site.model_validate(row)


@router.get("/api/v1/cameras")
async def list_cameras(
    request: Request, query: Annotated[CameraQuery, Query()], principal: MayRead, parts: Parts
) -> Page[Camera]:
    """List cameras with their health and last event, by site and name."""
    asked = Conditions()
    asked.among("c.site", query.site)
    asked.of_group(query.group, "c.site", "c.camera")
    asked.among("h.state", query.state)
    look = BY_CAMERA.look(query.cursor, query.limit)
    async with parts.database.tenant(principal.organisation_id) as connection:
        rows = await sites.find_cameras(connection, principal.scope, asked, look)
    return page(request, rows, query.limit, BY_CAMERA, _camera)


@router.get("/api/v1/cameras/{site}/{camera}")
async def get_camera(
    site: SiteId, camera: CameraName, response: Response, principal: MayRead, parts: Parts
) -> Camera:
    """Show a camera."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        row = await _camera_row(connection, principal, site, camera)
    response.headers["ETag"] = content_tag(row["name"])
    return _camera(row)


@router.patch("/api/v1/cameras/{site}/{camera}", responses=CHANGED_ELSEWHERE)
async def change_camera(
    site: SiteId,
    camera: CameraName,
    change: CameraChange,
    response: Response,
    principal: MayWrite,
    parts: Parts,
    if_match: IfMatch = None,
) -> Camera:
    """Give a camera a name for people; configurations go on naming it as before."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        await connection.execute(
            "SELECT FROM cameras WHERE site = %s AND camera = %s FOR UPDATE", [site, camera]
        )
        row = await _camera_row(connection, principal, site, camera)
        insist(if_match, content_tag(row["name"]))
        await connection.execute(
            "UPDATE cameras SET name = %s WHERE site = %s AND camera = %s",
            [change.name, site, camera],
        )
        details = {"name": change.name}
        await note(connection, principal, "camera.change", f"{site}/{camera}", details)
    response.headers["ETag"] = content_tag(change.name)
    return _camera({**row, "name": change.name})


@router.get("/api/v1/health")
async def list_health(
    request: Request, query: Annotated[HealthQuery, Query()], principal: MayRead, parts: Parts
) -> Page[Health]:
    """List what cameras and processes of sites said last of how they are."""
    asked = Conditions()
    asked.among("h.site", query.site)
    asked.one_of("h.kind", query.kind)
    asked.among("h.state", query.state)
    look = BY_HEALTH.look(query.cursor, query.limit)
    async with parts.database.tenant(principal.organisation_id) as connection:
        rows = await sites.find_health(connection, principal.scope, asked, look)
    return page(request, rows, query.limit, BY_HEALTH, Health.model_validate)


async def _site(connection: Connection, principal: Principal, site: str) -> dict[str, Any]:
    rows = await sites.find_sites(connection, principal.scope, BY_SITE.look(None, 1), site)
    if not rows:
        raise not_found("site")
    return rows[0]


async def _camera_row(
    connection: Connection, principal: Principal, site: str, camera: str
) -> dict[str, Any]:
    asked = Conditions()
    asked.among("c.site", [site])
    asked.among("c.camera", [camera])
    rows = await sites.find_cameras(connection, principal.scope, asked, BY_CAMERA.look(None, 1))
    if not rows:
        raise not_found("camera")
    return rows[0]


async def _insist_on_zone(connection: Connection, zone: str) -> None:
    # Both reckon with it: Postgres in rollups, Python where it says what a day is.
    found = await connection.execute("SELECT FROM pg_timezone_names WHERE name = %s", [zone])
    if await found.fetchone() is None or zone not in available_timezones():
        raise Problem(
            422,
            "no-such-zone",
            "No such time zone",
            f"{zone!r} is no IANA name, as Europe/Madrid is",
        )


def _site_tag(row: dict[str, Any]) -> str:
    return content_tag(f"{row['name']}\n{row['timezone']}")


def _camera(row: Any) -> Camera:
    health = None if row["at"] is None else CameraHealth.model_validate(row)
    last_event = None if row["event_id"] is None else LastEvent.model_validate(row)
    return Camera.model_validate({**row, "health": health, "last_event": last_event})
