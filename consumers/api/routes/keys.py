"""API keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from consumers.access.audit import note
from consumers.access.keys import list_keys, make_key, revoke_key
from consumers.access.limits import limits_of
from consumers.access.permissions import Permission
from consumers.access.principal import Principal
from consumers.api.context import Parts
from consumers.api.limits_body import checked, shown
from consumers.api.own_session import require_person
from consumers.api.problems import Problem, not_found
from consumers.api.security import allow
from consumers.api.shapes.people import Key, LimitsBody
from consumers.api.texts import Line
from consumers.api.times import When

router = APIRouter(tags=["keys"])
LONGEST = timedelta(days=3660)


class NewKey(BaseModel):
    """What a program may do."""

    model_config = ConfigDict(extra="forbid")

    name: Line
    permissions: Annotated[list[Permission], Field(min_length=1, max_length=len(Permission))] = (
        Field(description="None that you do not have.")
    )
    limits: LimitsBody | None = Field(None, description="Null: limited as you are.")
    expires_at: When | None = Field(None, description="Null: when it is revoked.")


class MadeKey(Key):
    """A key that was just made."""

    key: str = Field(description="Told this once.")


Writer = Annotated[Principal, allow(Permission.KEYS_WRITE)]


@router.get("/api/v1/keys", name="list_keys")
async def list_all(parts: Parts, principal: Writer) -> list[Key]:
    """List the keys that work; who is limited sees their own."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        rows = await list_keys(connection, principal.organisation_id, made_by=_only_of(principal))
    return [Key(**_shown(row)) for row in rows]


@router.post("/api/v1/keys", name="make_key", status_code=201)
async def make(body: NewKey, parts: Parts, principal: Writer) -> MadeKey:
    """Make a key for a program.

    It can never do more than its maker can at that moment, and ends with their membership. A key
    makes no keys, so that a stolen one does not outlive its end.
    """
    require_person(principal)
    excess = [one.value for one in body.permissions if not principal.may(one)]
    if excess:
        raise Problem(
            403,
            "more-than-yours",
            "Not yours to give",
            f"you may not do this yourself: {', '.join(sorted(excess))}",
        )
    now = datetime.now(UTC)
    if body.expires_at is not None and not now < body.expires_at < now + LONGEST:
        raise Problem(422, "bad-time", "No such end", "expires_at is past, or ten years away")
    own = principal.organisation_id
    async with parts.database.tenant(own) as connection:
        limits = await checked(connection, own, body.limits, principal.scope)
        made = await make_key(
            connection,
            *(own, body.name, body.permissions),
            limits=limits,
            expires_at=body.expires_at,
            made_by=principal.subject_id,
        )
        await note(
            connection,
            principal,
            "key.make",
            str(made.key_id),
            {"prefix": made.prefix, **body.model_dump(mode="json")},
        )
    return MadeKey(
        key_id=made.key_id,
        key=made.key,
        prefix=made.prefix,
        name=body.name,
        permissions=sorted(set(body.permissions)),
        limits=shown(limits),
        made_by=principal.subject_id,
        created_at=made.created_at,
        expires_at=body.expires_at,
        used_at=None,
    )


@router.delete("/api/v1/keys/{key_id}", name="revoke_key", status_code=204)
async def revoke(key_id: UUID, parts: Parts, principal: Writer) -> None:
    """Revoke a key: its next request is refused."""
    own = principal.organisation_id
    async with parts.database.tenant(own) as connection:
        name = await revoke_key(connection, own, key_id, made_by=_only_of(principal))
        if name is None:
            raise not_found("key")
        await note(connection, principal, "key.revoke", str(key_id), {"name": name})


def _only_of(principal: Principal) -> UUID | None:
    return None if principal.scope.everything else principal.subject_id


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "limits": shown(limits_of(row))}
