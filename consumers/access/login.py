"""Logging in by password."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from pydantic import SecretStr

from consumers.access.passwords import hashed, outdated, verified
from consumers.access.sessions import Client, Opened, open_session
from consumers.access.users import find_user, memberships_of
from consumers.store.database import Connection, Database
from schemas.errors import Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What somebody logs in with."""

    mail: str
    password: SecretStr
    organisation: str | None
    """The slug of the one to work for; by default the first."""
    client: Client


async def log_in(database: Database, attempt: Attempt) -> Opened:
    """Open a session.

    Raises:
        Rejected: something is wrong, and the message does not tell what.
    """
    async with database.system() as connection:
        user = await find_user(connection, attempt.mail)
    password = attempt.password.get_secret_value()
    kept = user["password_hash"] if user else None
    right = await verified(password, kept)
    if user is None or kept is None or not right or user["disabled_at"] is not None:
        raise Rejected("mail address or password is wrong", reason="wrong-credentials")
    rehashed = await hashed(password) if outdated(kept) else None
    async with database.system() as connection:
        if rehashed is not None:
            await connection.execute(
                "UPDATE users SET password_hash = %s WHERE user_id = %s AND password_hash = %s",
                [rehashed, user["user_id"], kept],
            )
        own = await choose_organisation(connection, user["user_id"], attempt.organisation)
        return await open_session(connection, user["user_id"], own, attempt.client, pending=False)


async def choose_organisation(connection: Connection, user_id: UUID, slug: str | None) -> UUID:
    """Return the organisation to work for.

    Raises:
        Rejected: the user is in none, or not in this one.
    """
    own = await memberships_of(connection, user_id)
    for membership in own:
        if slug is None or membership["slug"] == slug:
            return UUID(str(membership["organisation_id"]))
    raise Rejected("you are a member of no such organisation", reason="no-organisation")
