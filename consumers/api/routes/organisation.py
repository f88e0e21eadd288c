"""The organisation that somebody works for."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from consumers.access.audit import note
from consumers.access.permissions import Permission
from consumers.access.principal import Principal
from consumers.api.context import Parts
from consumers.api.own_session import Anybody
from consumers.api.problems import not_found
from consumers.api.security import allow
from consumers.api.shapes.people import Organisation
from consumers.api.texts import Line

router = APIRouter(tags=["organisation"])


class NewName(BaseModel):
    """How it shall be called."""

    model_config = ConfigDict(extra="forbid")

    name: Line


@router.get("/api/v1/organisation", name="get_organisation")
async def show(parts: Parts, principal: Anybody) -> Organisation:
    """Return the organisation that whoever asks works for."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        found = await connection.execute("SELECT * FROM organisations")
        return _organisation(await found.fetchone())


@router.put("/api/v1/organisation", name="rename_organisation")
async def rename(
    body: NewName,
    parts: Parts,
    principal: Annotated[Principal, allow(Permission.ORGANISATION_WRITE)],
) -> Organisation:
    """Give the organisation another name; its slug stays."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        found = await connection.execute(
            "UPDATE organisations SET name = %s RETURNING *", [body.name]
        )
        changed = _organisation(await found.fetchone())
        await note(connection, principal, "organisation.rename", changed.slug, {"name": body.name})
    return changed


def _organisation(row: dict[str, Any] | None) -> Organisation:
    if row is None:
        raise not_found("organisation")
    return Organisation(
        organisation_id=row["organisation_id"],
        slug=row["slug"],
        name=row["name"],
        created_at=row["created_at"],
    )
