"""Logging in by password: slowly for whoever guesses, alike for every wrong answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import SecretStr

from consumers.access.meters import ACCOUNT, Meter, give_back, knows_device, login_meters, take
from consumers.access.passwords import hashed, outdated, verified
from consumers.access.sessions import Client, Opened, open_session
from consumers.access.trails import note_nobody, note_user
from consumers.access.users import find_user, memberships_of
from consumers.store.database import Connection, Database
from schemas.errors import Rejected

REFUSED_AFTER_S = 0.5
"""A wrong login is answered after this time, whatever there was to be looked up and noted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What somebody logs in with."""

    mail: str
    password: SecretStr
    organisation: str | None
    """The slug of the one to work for; by default the first by name."""
    client: Client
    mail_works: bool
    """Codes can be sent by mail."""


async def log_in(database: Database, attempt: Attempt) -> Opened:
    """Open a session; pending where a second factor is due.

    Raises:
        Rejected: something is wrong, and the message does not tell what.
        TooOften: too many tries before this one.
        Backpressure: too many others log in at the moment.
    """
    refuse_at = asyncio.get_running_loop().time() + REFUSED_AFTER_S
    async with database.system() as connection:
        user = await find_user(connection, attempt.mail)
        device = attempt.client.device
        known = user is not None and await knows_device(connection, user["user_id"], device)
        meters = login_meters(attempt.mail, attempt.client, known_device=known)
        used = await take(connection, meters)
    if not await _is_right(user, attempt):
        await _note_failure(database, user, attempt)
        await asyncio.sleep(max(0.0, refuse_at - asyncio.get_running_loop().time()))
        raise Rejected("mail address or password is wrong", reason="wrong-credentials")
    assert user is not None
    under_attack = not known and used[-1] > ACCOUNT.free and attempt.mail_works
    return await _let_in(database, user, attempt, meters, under_attack=under_attack)


async def choose_organisation(connection: Connection, user_id: UUID, slug: str | None) -> UUID:
    """Return the organisation to work for.

    Raises:
        Rejected: the user is in none, or not in this one.
    """
    for membership in await memberships_of(connection, user_id):
        if slug is None or membership["slug"] == slug:
            return UUID(str(membership["organisation_id"]))
    raise Rejected(
        "you are a member of no such organisation: ask its owner for an invitation",
        reason="no-organisation",
    )


def has_second_factor(user: Mapping[str, Any]) -> bool:
    """Tell whether a user has enrolled one, so that no login is complete without it."""
    return user["totp_confirmed_at"] is not None or user["phone_confirmed_at"] is not None


async def _is_right(user: Mapping[str, Any] | None, attempt: Attempt) -> bool:
    kept = user["password_hash"] if user else None
    right = await verified(attempt.password.get_secret_value(), kept)
    return right and user is not None and user["disabled_at"] is None


async def _let_in(
    database: Database,
    user: Mapping[str, Any],
    attempt: Attempt,
    meters: list[Meter],
    *,
    under_attack: bool,
) -> Opened:
    kept = user["password_hash"]
    rehashed = await hashed(attempt.password.get_secret_value()) if outdated(kept) else None
    pending = has_second_factor(user) or under_attack
    async with database.system() as connection:
        # The failures of others in this name are no reason to forget theirs.
        await give_back(connection, meters)
        if rehashed is not None:
            await connection.execute(
                "UPDATE users SET password_hash = %s WHERE user_id = %s AND password_hash = %s",
                [rehashed, user["user_id"], kept],
            )
        own = await choose_organisation(connection, user["user_id"], attempt.organisation)
        opened = await open_session(
            connection, user["user_id"], own, attempt.client, pending=pending
        )
        await note_user(
            connection,
            user["user_id"],
            user["mail"],
            "login.password",
            attempt.client.source,
            {"second_factor_due": pending},
            session_id=opened.session_id,
            organisation_id=own,
        )
    return opened


async def _note_failure(
    database: Database, user: Mapping[str, Any] | None, attempt: Attempt
) -> None:
    async with database.system() as connection:
        if user is None:
            await note_nobody(connection, "login.refused", attempt.mail, attempt.client.source)
        else:
            await note_user(
                connection,
                user["user_id"],
                user["mail"],
                "login.refused",
                attempt.client.source,
                {"disabled": user["disabled_at"] is not None},
            )
