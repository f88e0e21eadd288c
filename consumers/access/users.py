"""Users and what they are in their organisations."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from consumers.access.limits import Limits, columns
from consumers.access.permissions import ROLES, Role
from consumers.access.principal import Principal
from consumers.store.database import Connection
from schemas.errors import Rejected


async def create_user(
    connection: Connection, mail: str, name: str, password_hash: str | None
) -> UUID:
    """Create a user whose mail address is proven.

    Raises:
        Rejected: there is one with this address.
    """
    found = await connection.execute(
        "INSERT INTO users (mail, name, password_hash, password_changed_at) "
        "VALUES (%s, %s, %s, CASE WHEN %s::text IS NOT NULL THEN now() END) "
        "ON CONFLICT DO NOTHING RETURNING user_id",
        [mail, name, password_hash, password_hash],
    )
    row = await found.fetchone()
    if row is None:
        raise Rejected(f"there is a user {mail} already", reason="user-exists")
    return UUID(str(row["user_id"]))


async def find_user(connection: Connection, mail: str) -> dict[str, Any] | None:
    """Return a user by mail address."""
    found = await connection.execute("SELECT * FROM users WHERE mail = %s", [mail])
    return await found.fetchone()


async def join(
    connection: Connection,
    user_id: UUID,
    organisation_id: UUID,
    role: Role,
    limits: Limits | None = None,
) -> None:
    """Make a user a member, or change what they are.

    Raises:
        Rejected: the organisation would be without an owner.
    """
    check_role(role, limits)
    async with keeping_owners(connection, [organisation_id]):
        await connection.execute(
            "INSERT INTO memberships (user_id, organisation_id, role, limited, sites, group_ids) "
            "VALUES (%(user)s, %(own)s, %(role)s, %(limited)s, %(sites)s, %(group_ids)s) "
            "ON CONFLICT (user_id, organisation_id) DO UPDATE SET role = excluded.role, "
            "limited = excluded.limited, sites = excluded.sites, group_ids = excluded.group_ids",
            {"user": user_id, "own": organisation_id, "role": role.value, **columns(limits)},
        )


async def leave(connection: Connection, user_id: UUID, organisation_id: UUID) -> bool:
    """End a membership, and with it the sessions and keys that stand on it; False if there is none.

    Raises:
        Rejected: the organisation would be without an owner.
    """
    async with keeping_owners(connection, [organisation_id]):
        found = await connection.execute(
            "DELETE FROM memberships WHERE user_id = %s AND organisation_id = %s",
            [user_id, organisation_id],
        )
        return found.rowcount == 1


async def disable(connection: Connection, user_id: UUID) -> None:
    """Let a user in nowhere any more; their sessions end, their keys rest.

    Raises:
        Rejected: an organisation would be without an owner.
    """
    found = await connection.execute(
        "SELECT organisation_id FROM memberships WHERE user_id = %s", [user_id]
    )
    own = [row["organisation_id"] for row in await found.fetchall()]
    async with keeping_owners(connection, own):
        await connection.execute(
            "UPDATE users SET disabled_at = now() WHERE user_id = %s AND disabled_at IS NULL",
            [user_id],
        )
        await connection.execute("DELETE FROM sessions WHERE user_id = %s", [user_id])


@asynccontextmanager
async def keeping_owners(
    connection: Connection, organisation_ids: Sequence[UUID]
) -> AsyncIterator[None]:
    """Undo the block's changes if an organisation loses its last owner who can log in by them.

    Raises:
        Rejected: one would.
    """
    async with connection.transaction():
        # Two owners who leave at once would each see the other stay.
        await connection.execute(
            "SELECT FROM organisations WHERE organisation_id = ANY(%s) "
            "ORDER BY organisation_id FOR UPDATE",
            [list(organisation_ids)],
        )
        before = await _owned(connection, organisation_ids)
        yield
        if before - await _owned(connection, organisation_ids):
            raise Rejected(
                "an organisation keeps at least one owner: make somebody else owner first",
                reason="last-owner",
            )


def check_role(role: Role, limits: Limits | None) -> None:
    """Insist that an owner is limited to nothing.

    Raises:
        Rejected: they are.
    """
    if role is Role.OWNER and limits is not None:
        raise Rejected("an owner is limited to nothing: choose admin", reason="limited-owner")


def may_grant(principal: Principal, role: Role) -> bool:
    """Tell whether somebody may give, change or take away this role: not with more than they have."""
    return principal.scope.everything and ROLES[role] <= principal.permissions


async def memberships_of(connection: Connection, user_id: UUID) -> list[dict[str, Any]]:
    """Return the organisations of a user with the role there, by name."""
    found = await connection.execute(
        "SELECT o.organisation_id, o.slug, o.name, m.role FROM memberships m "
        "JOIN organisations o USING (organisation_id) WHERE m.user_id = %s "
        "ORDER BY o.name, o.organisation_id",
        [user_id],
    )
    return await found.fetchall()


async def _owned(connection: Connection, organisation_ids: Sequence[UUID]) -> set[UUID]:
    found = await connection.execute(
        "SELECT DISTINCT m.organisation_id FROM memberships m JOIN users u USING (user_id) "
        "WHERE m.organisation_id = ANY(%s) AND m.role = 'owner' AND u.disabled_at IS NULL",
        [list(organisation_ids)],
    )
    return {row["organisation_id"] for row in await found.fetchall()}
