"""Mutes: silence until a time, for all or for one's own browsers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from psycopg import sql
from pydantic import Field, field_validator, model_validator

from consumers.access.audit import note
from consumers.access.permissions import Permission
from consumers.access.principal import Principal, Scope
from consumers.api.context import Parts
from consumers.api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, page
from consumers.api.security import allow
from consumers.api.shapes.notifications import Mute
from consumers.api.shapes.routing import Document
from consumers.api.texts import Name, OptionalLine, Slug
from consumers.api.times import When
from consumers.notify.resources.common import (
    CONFLICT,
    MAX_MUTES,
    PATH,
    leave_room,
    listed,
    one,
    own_user,
)
from consumers.notify.resources.deliveries import NEWEST_FIRST

router = APIRouter(prefix=PATH, tags=["notifications"])
Reader = Annotated[Principal, allow(Permission.NOTIFY_READ)]
Writer = Annotated[Principal, allow(Permission.NOTIFY_WRITE)]
Own = Annotated[Principal, allow(Permission.NOTIFY_OWN)]
LONGEST = timedelta(days=366)
_FOR_ALL = sql.SQL("user_id IS NULL AND until > clock_timestamp()")
_OWN = sql.SQL("user_id = %(user)s AND until > clock_timestamp()")


class MuteInput(Document):
    """What is to be silent; what is left out is everything."""

    site: Slug | None = None
    camera: Name | None = Field(None, description="Of the site.")
    rule: Name | None = None
    until: When = Field(description="In the future, at most a year ahead.")
    reason: OptionalLine = ""

    @field_validator("until")
    @classmethod
    def _ahead(cls, value: datetime) -> datetime:
        if not timedelta() < value - datetime.now(UTC) <= LONGEST:
            raise ValueError("is not in the future, or more than a year ahead")
        return value

    @model_validator(mode="after")
    def _camera_of_a_site(self) -> MuteInput:
        if self.camera is not None and self.site is None:
            raise ValueError("a camera is one of a site: name the site")
        return self


@router.get("/mutes")
async def list_mutes(
    request: Request,
    parts: Parts,
    principal: Reader,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[Mute]:
    """List mutes for all that are in force and silence something that you may see, newest first."""
    condition = sql.SQL("{} AND {}").format(_FOR_ALL, _concerns(principal.scope))
    async with parts.database.tenant(principal.organisation_id) as connection:
        rows = await listed(connection, "notify_mutes", NEWEST_FIRST, limit, cursor, condition)
    return page(request, rows, limit, NEWEST_FIRST, _shown)


@router.post("/mutes", status_code=201, responses=CONFLICT)
async def create_mute(body: MuteInput, parts: Parts, principal: Writer) -> Mute:
    """Let nobody be notified, of what is named, until a time."""
    return await _create(body, parts, principal, None)


@router.delete("/mutes/{mute_id}", status_code=204)
async def delete_mute(mute_id: UUID, parts: Parts, principal: Writer) -> None:
    """End a mute for all."""
    await _delete(mute_id, parts, principal, None)


@router.get("/own/mutes")
async def list_own_mutes(
    request: Request,
    parts: Parts,
    principal: Own,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[Mute]:
    """List the mutes of one's own browsers that are in force, the newest first."""
    user = {"user": own_user(principal)}
    async with parts.database.tenant(principal.organisation_id) as connection:
        rows = await listed(connection, "notify_mutes", NEWEST_FIRST, limit, cursor, _OWN, user)
    return page(request, rows, limit, NEWEST_FIRST, _shown)


@router.post("/own/mutes", status_code=201, responses=CONFLICT)
async def create_own_mute(body: MuteInput, parts: Parts, principal: Own) -> Mute:
    """Be left in peace, in one's own browsers, until a time."""
    return await _create(body, parts, principal, own_user(principal))


@router.delete("/own/mutes/{mute_id}", status_code=204)
async def delete_own_mute(mute_id: UUID, parts: Parts, principal: Own) -> None:
    """End a mute of one's own browsers."""
    await _delete(mute_id, parts, principal, own_user(principal))


async def _create(body: MuteInput, parts: Parts, principal: Principal, user: UUID | None) -> Mute:
    async with parts.database.tenant(principal.organisation_id) as connection:
        await leave_room(
            *(connection, "notify_mutes", MAX_MUTES),
            sql.SQL("user_id IS NOT DISTINCT FROM %s AND until > clock_timestamp()"),
            [user],
        )
        row = await one(
            connection,
            "INSERT INTO notify_mutes (organisation_id, user_id, site, camera, rule, until, reason, "
            "created_by) VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING *",
            [
                *(principal.organisation_id, user, body.site, body.camera, body.rule),
                *(body.until, body.reason, principal.name),
            ],
            "mute",
        )
        details = body.model_dump(mode="json") | {"own": user is not None}
        await note(connection, principal, "notify.mute.create", str(row["mute_id"]), details)
    return _shown(row)


async def _delete(mute_id: UUID, parts: Parts, principal: Principal, user: UUID | None) -> None:
    async with parts.database.tenant(principal.organisation_id) as connection:
        await one(
            connection,
            "DELETE FROM notify_mutes WHERE mute_id = %s AND user_id IS NOT DISTINCT FROM %s "
            "RETURNING 1 AS gone",
            [mute_id, user],
            "mute",
        )
        await note(connection, principal, "notify.mute.delete", str(mute_id))


def _concerns(scope: Scope) -> sql.Composable:
    """A mute is shown to whoever may see something that it silences."""
    return sql.SQL("(site IS NULL OR (camera IS NULL AND {}) OR {})").format(
        scope.names_site(), scope.condition()
    )


def _shown(row: Mapping[str, Any]) -> Mute:
    return Mute.model_validate(row)
