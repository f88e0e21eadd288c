"""Sessions: kept on the server, named by a random token of which only the hash is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from consumers.access.tokens import digest, new_token
from consumers.store.database import Connection

SESSION_LASTS = timedelta(days=7)
"""At most, however much it is used."""
PENDING_LASTS = timedelta(minutes=10)
"""For the second factor, after the first."""
BROWSER_CHARACTERS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Where a request comes from."""

    source: str
    """Its address."""
    browser: str = ""
    """What it calls itself."""
    device: str = ""
    """The cookie of a browser that somebody has logged in from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A session just opened, or renamed: the token is told this once."""

    session_id: UUID
    token: str
    user_id: UUID
    organisation_id: UUID
    pending: bool
    expires_at: datetime


async def open_session(
    connection: Connection,
    user_id: UUID,
    organisation_id: UUID,
    client: Client,
    *,
    pending: bool,
    provider: str = "",
    stepped_up: bool = False,
) -> Opened:
    """Open a session of a member."""
    token = new_token()
    now = datetime.now(UTC)
    expires_at = now + (PENDING_LASTS if pending else SESSION_LASTS)
    found = await connection.execute(
        "INSERT INTO sessions (token_hash, user_id, organisation_id, pending, provider, source, "
        "browser, expires_at, stepped_up_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) "
        "RETURNING session_id",
        [
            digest(token),
            user_id,
            organisation_id,
            pending,
            provider,
            client.source,
            client.browser[:BROWSER_CHARACTERS],
            expires_at,
            now if stepped_up else None,
        ],
    )
    row = await found.fetchone()
    assert row is not None
    return Opened(
        session_id=row["session_id"],
        token=token,
        user_id=user_id,
        organisation_id=organisation_id,
        pending=pending,
        expires_at=expires_at,
    )


async def complete(connection: Connection, session_id: UUID) -> Opened:
    """Let a pending session in after its second factor, under a new token.

    The old token may have been planted before the login; the new one is known to its browser alone.
    """
    token = new_token()
    expires_at = datetime.now(UTC) + SESSION_LASTS
    found = await connection.execute(
        "UPDATE sessions SET token_hash = %s, pending = false, expires_at = %s, "
        "stepped_up_at = now(), seen_at = now() WHERE session_id = %s "
        "RETURNING user_id, organisation_id",
        [digest(token), expires_at, session_id],
    )
    row = await found.fetchone()
    assert row is not None
    return Opened(
        session_id=session_id,
        token=token,
        user_id=row["user_id"],
        organisation_id=row["organisation_id"],
        pending=False,
        expires_at=expires_at,
    )


async def list_sessions(connection: Connection, user_id: UUID) -> list[dict[str, Any]]:
    """Return a user's sessions, the one used last first."""
    found = await connection.execute(
        "SELECT session_id, organisation_id, source, browser, provider, created_at, seen_at, "
        "expires_at FROM sessions WHERE user_id = %s AND NOT pending AND expires_at > now() "
        "ORDER BY seen_at DESC, session_id LIMIT 200",
        [user_id],
    )
    return await found.fetchall()


async def end_session(connection: Connection, user_id: UUID, session_id: UUID) -> bool:
    """End one session of a user; False if there is no such."""
    found = await connection.execute(
        "DELETE FROM sessions WHERE user_id = %s AND session_id = %s", [user_id, session_id]
    )
    return found.rowcount == 1


async def end_sessions(connection: Connection, user_id: UUID, *, but: UUID | None = None) -> int:
    """End all sessions of a user, or all but one; returns how many."""
    found = await connection.execute(
        "DELETE FROM sessions WHERE user_id = %s AND session_id IS DISTINCT FROM %s",
        [user_id, but],
    )
    return found.rowcount


async def switch(connection: Connection, session_id: UUID, organisation_id: UUID) -> bool:
    """Let a session work for another organisation of its user; False if it is none of theirs.

    A step-up does not carry over: it was made for the other one.
    """
    found = await connection.execute(
        "UPDATE sessions s SET organisation_id = m.organisation_id, stepped_up_at = NULL "
        "FROM memberships m WHERE s.session_id = %s AND m.user_id = s.user_id "
        "AND m.organisation_id = %s",
        [session_id, organisation_id],
    )
    return found.rowcount == 1


async def remember_device(connection: Connection, user_id: UUID, device: str) -> str:
    """Note that a user has logged in from a browser, and return the token that tells it."""
    token = device or new_token()
    await connection.execute(
        "INSERT INTO devices (device_hash, user_id) VALUES (%s, %s) "
        "ON CONFLICT (device_hash, user_id) DO UPDATE SET seen_at = now()",
        [digest(token), user_id],
    )
    return token
