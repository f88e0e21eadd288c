"""Sessions: kept on the server, named by a random token of which only the hash is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from consumers.access.tokens import digest, new_token
from consumers.store.database import Connection

SESSION_IDLE = timedelta(hours=12)
"""A shift; whoever does not come back within it logs in again."""
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


async def renew(connection: Connection, session_id: UUID, *, proved: bool) -> Opened:
    """Give a session a new token: after a login's second factor, which lets it in, or a new password.

    The old token may have been planted in the browser, or have leaked; the new one is its alone.
    """
    token = new_token()
    found = await connection.execute(
        "UPDATE sessions SET token_hash = %s, seen_at = now(), pending = false, "
        "expires_at = CASE WHEN pending THEN now() + %s ELSE expires_at END, "
        "stepped_up_at = CASE WHEN %s THEN now() ELSE stepped_up_at END "
        "WHERE session_id = %s RETURNING user_id, organisation_id, expires_at",
        [digest(token), SESSION_LASTS, proved, session_id],
    )
    row = await found.fetchone()
    assert row is not None
    return Opened(
        session_id=session_id,
        token=token,
        user_id=row["user_id"],
        organisation_id=row["organisation_id"],
        pending=False,
        expires_at=row["expires_at"],
    )


async def mark_proved(connection: Connection, session_id: UUID) -> None:
    """Note that the user of a complete session has just proved a second factor."""
    await connection.execute(
        "UPDATE sessions SET stepped_up_at = now() WHERE session_id = %s", [session_id]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """A session as it stands, also while its second factor is due, with what its user can prove."""

    session_id: UUID
    user_id: UUID
    organisation_id: UUID
    mail: str
    pending: bool
    created_at: datetime
    expires_at: datetime
    stepped_up_at: datetime | None
    password_hash: str | None
    totp_seed: str | None
    """Sealed; also while the authenticator is not confirmed yet."""
    has_authenticator: bool
    phone: str | None
    """Confirmed."""

    @property
    def proved_at(self) -> datetime:
        """When its user last proved who they are, by whatever they have."""
        return max(self.created_at, self.stepped_up_at or self.created_at)


async def current(connection: Connection, token: str) -> Current | None:
    """Return the session of this token, if it is alive."""
    found = await connection.execute(
        "SELECT s.session_id, s.user_id, s.organisation_id, u.mail, s.pending, s.created_at, "
        "s.expires_at, s.stepped_up_at, u.password_hash, u.totp_seed, "
        "u.totp_confirmed_at IS NOT NULL AS has_authenticator, "
        "CASE WHEN u.phone_confirmed_at IS NOT NULL THEN u.phone END AS phone "
        "FROM sessions s JOIN users u USING (user_id) WHERE s.token_hash = %s "
        "AND u.disabled_at IS NULL AND s.expires_at > now() AND s.seen_at > now() - %s",
        [digest(token), SESSION_IDLE],
    )
    row = await found.fetchone()
    return None if row is None else Current(**row)


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


async def forget_devices(connection: Connection, user_id: UUID, *, but: str = "") -> None:
    """Take every browser for a stranger's again, except the one with this token."""
    await connection.execute(
        "DELETE FROM devices WHERE user_id = %s AND device_hash <> %s", [user_id, digest(but)]
    )


async def end_token(connection: Connection, token: str) -> None:
    """End the session of a token: its browser logs in anew."""
    await connection.execute("DELETE FROM sessions WHERE token_hash = %s", [digest(token)])
