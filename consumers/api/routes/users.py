"""People of the organisation: roles and limits."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from psycopg import sql
from pydantic import BaseModel, ConfigDict, Field

from consumers.access.audit import note
from consumers.access.limits import limits_of
from consumers.access.permissions import Permission, Role
from consumers.access.principal import Principal
from consumers.access.users import join, leave, may_grant
from consumers.api.context import Parts
from consumers.api.limits_body import checked, shown
from consumers.api.paging import DEFAULT_LIMIT, Cursor, Keyset, Limit, Page, page
from consumers.api.problems import Problem, not_found
from consumers.api.security import allow
from consumers.api.shapes.people import LimitsBody, User
from consumers.store.database import Connection

router = APIRouter(tags=["people"])
_ORDER = Keyset(("mail", str), ("user_id", str))


class NewRole(BaseModel):
    """What a member shall be."""

    model_config = ConfigDict(extra="forbid")

    role: Role
    limits: LimitsBody | None = Field(None, description="Null: limited to nothing.")


Reader = Annotated[Principal, allow(Permission.USERS_READ)]
Writer = Annotated[Principal, allow(Permission.USERS_WRITE)]


@router.get("/api/v1/users", name="list_users")
async def list_members(
    request: Request,
    parts: Parts,
    principal: Reader,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[User]:
    """List the members by mail address."""
    place = _ORDER.place(cursor)
    query = sql.SQL("SELECT * FROM members WHERE {} ORDER BY {} LIMIT %(rows)s").format(
        place.condition, _ORDER.order()
    )
    async with parts.database.tenant(principal.organisation_id) as connection:
        found = await connection.execute(query, {**place.values, "rows": limit + 1})
        rows = await found.fetchall()
    return page(request, rows, limit, _ORDER, _user)


@router.get("/api/v1/users/{user_id}", name="get_user")
async def show(user_id: UUID, parts: Parts, principal: Reader) -> User:
    """Return one member."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        return _user(await _member(connection, user_id))


@router.put("/api/v1/users/{user_id}", name="change_user")
async def change(user_id: UUID, body: NewRole, parts: Parts, principal: Writer) -> User:
    """Change what a member is; it counts from their next request on.

    Nobody gives a role with more than they have, nor takes one; the last owner stays one.
    """
    own = principal.organisation_id
    async with parts.database.system() as connection:
        member = await _found(connection, own, user_id)
        check_grant(principal, Role(member["role"]), body.role)
        limits = await checked(connection, own, body.limits)
        await join(connection, user_id, own, body.role, limits)
        await note(
            connection,
            principal,
            "user.change",
            member["mail"],
            {"from": member["role"], **body.model_dump(mode="json")},
        )
    async with parts.database.tenant(own) as connection:
        return _user(await _member(connection, user_id))


@router.delete("/api/v1/users/{user_id}", name="remove_user", status_code=204)
async def remove(user_id: UUID, parts: Parts, principal: Writer) -> None:
    """End a membership; the person's sessions here end, and the keys that they made."""
    own = principal.organisation_id
    async with parts.database.system() as connection:
        member = await _found(connection, own, user_id)
        check_grant(principal, Role(member["role"]))
        await leave(connection, user_id, own)
        await note(connection, principal, "user.remove", member["mail"], {"role": member["role"]})


def check_grant(principal: Principal, *roles: Role) -> None:
    """Insist that nobody gives or takes a role with more than they have."""
    for role in roles:
        if not may_grant(principal, role):
            raise Problem(
                403,
                "more-than-yours",
                "Not yours to give",
                f"the role {role.value} may do more than you: ask somebody who has it",
            )


async def _member(connection: Connection, user_id: UUID) -> dict[str, Any]:
    found = await connection.execute("SELECT * FROM members WHERE user_id = %s", [user_id])
    row = await found.fetchone()
    if row is None:
        raise not_found("member")
    return row


async def _found(connection: Connection, organisation_id: UUID, user_id: UUID) -> dict[str, Any]:
    found = await connection.execute(
        "SELECT u.mail, m.role FROM memberships m JOIN users u USING (user_id) "
        "WHERE m.user_id = %s AND m.organisation_id = %s FOR UPDATE OF m",
        [user_id, organisation_id],
    )
    row = await found.fetchone()
    if row is None:
        raise not_found("member")
    return row


def _user(row: Any) -> User:
    return User(
        user_id=row["user_id"],
        mail=row["mail"],
        name=row["name"],
        role=row["role"],
        limits=shown(limits_of(row)),
        authenticator=row["has_authenticator"],
        disabled=row["disabled_at"] is not None,
        joined_at=row["created_at"],
    )
