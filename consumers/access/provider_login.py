"""Logging in through an identity provider: the way there and back, and whom its word lets in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from consumers.access.invitations import accept, find_invitation
from consumers.access.login import choose_organisation, has_second_factor
from consumers.access.oidc import Claims, Conversation, Provider
from consumers.access.sessions import Client, Opened, open_session
from consumers.access.tokens import digest, new_token
from consumers.access.trails import note_user
from consumers.access.users import create_user, find_user, join
from consumers.store.database import Connection, Database
from schemas.errors import Rejected

LOGIN_LASTS = timedelta(minutes=10)
NAME_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Departure:
    """Where to send the browser, and what it must bring back."""

    url: str
    state: str


async def depart(
    database: Database,
    provider: Provider,
    conversation: Conversation,
    landing: str,
    invitation: str | None,
) -> Departure:
    """Begin a login; ``landing`` is the path to come back to at last.

    Raises:
        Retryable: the provider does not answer.
    """
    state, nonce, verifier = new_token(), new_token(), new_token()
    url = await conversation.authorize_url(state=state, nonce=nonce, verifier=verifier)
    async with database.system() as connection:
        await connection.execute(
            "INSERT INTO provider_logins (state_hash, provider, nonce, verifier, landing, "
            "invitation_hash, expires_at) VALUES (%s, %s, %s, %s, %s, %s, now() + %s)",
            [
                *(digest(state), provider.name, nonce, verifier, landing),
                *(digest(invitation) if invitation else None, LOGIN_LASTS),
            ],
        )
    return Departure(url, state)


async def returned(database: Database, state: str) -> dict[str, Any]:
    """Return the login that a browser comes back from; it can do so once.

    Raises:
        Rejected: there is no such.
    """
    async with database.system() as connection:
        found = await connection.execute(
            "DELETE FROM provider_logins WHERE state_hash = %s AND expires_at > now() RETURNING *",
            [digest(state)],
        )
        row = await found.fetchone()
    if row is None:
        raise Rejected("this login is late or was finished: begin again", reason="bad-state")
    return row


async def let_in(
    database: Database,
    provider: Provider,
    claims: Claims,
    invitation_hash: bytes | None,
    client: Client,
) -> Opened:
    """Open a session for whom the provider names.

    Its word counts for an identity that was linked before, for an invitation that the browser
    holds, and for verified addresses of its own domains: not for those of others, or one
    organisation's provider could name another's people.

    Raises:
        Rejected: nobody is linked to this identity, or they may not come in.
    """
    async with database.system() as connection:
        user_id = await _linked(connection, claims)
        if invitation_hash is not None:
            user_id = await _invited(connection, claims, invitation_hash, user_id, client)
        if user_id is None:
            user_id = await _introduced(connection, provider, claims)
        found = await connection.execute("SELECT * FROM users WHERE user_id = %s", [user_id])
        user = await found.fetchone()
        assert user is not None
        if user["disabled_at"] is not None:
            raise Rejected("this account is disabled: ask the cloud's operators", reason="disabled")
        own = await _organisation(connection, provider, user_id)
        opened = await open_session(
            connection,
            *(user_id, own, client),
            pending=has_second_factor(user),
            provider=provider.name,
        )
        await note_user(
            connection,
            *(user_id, user["mail"], "login.provider", client.source),
            {"provider": provider.name, "second_factor_due": opened.pending},
            session_id=opened.session_id,
            organisation_id=own,
        )
    return opened


async def _linked(connection: Connection, claims: Claims) -> UUID | None:
    found = await connection.execute(
        "SELECT user_id FROM identities WHERE issuer = %s AND subject = %s",
        [claims.issuer, claims.subject],
    )
    row = await found.fetchone()
    return None if row is None else UUID(str(row["user_id"]))


async def _invited(
    connection: Connection,
    claims: Claims,
    invitation_hash: bytes,
    linked: UUID | None,
    client: Client,
) -> UUID:
    invitation = await find_invitation(connection, invitation_hash)
    if linked is not None and invitation["user_id"] != linked:
        raise Rejected(
            f"the invitation is for {invitation['mail']}, who is not who you logged in as",
            reason="other-person",
        )
    user_id = await accept(connection, invitation, _name(claims), None, client.source)
    await _link(connection, claims, user_id)
    return user_id


async def _introduced(connection: Connection, provider: Provider, claims: Claims) -> UUID:
    """Link a verified address of the provider's own domains, and make its owner a member."""
    if claims.mail is None or not provider.speaks_for(claims.mail):
        raise Rejected(
            f"nobody here is linked to this account of {provider.name}: ask for an invitation",
            reason="not-linked",
        )
    found = await connection.execute(
        "SELECT organisation_id FROM organisations WHERE slug = %s", [provider.organisation]
    )
    organisation = await found.fetchone()
    if organisation is None:
        raise Rejected(
            f"there is no organisation {provider.organisation}: the cloud's operators make it by "
            "`sightline organisations create`",
            reason="no-organisation",
        )
    own = organisation["organisation_id"]
    user = await find_user(connection, claims.mail)
    if user is None:
        user_id = await create_user(connection, claims.mail, _name(claims), None)
    else:
        user_id = user["user_id"]
    member = await connection.execute(
        "SELECT FROM memberships WHERE user_id = %s AND organisation_id = %s", [user_id, own]
    )
    if member.rowcount == 0:
        await join(connection, user_id, own, provider.role)
    await _link(connection, claims, user_id)
    return user_id


async def _link(connection: Connection, claims: Claims, user_id: UUID) -> None:
    await connection.execute(
        "INSERT INTO identities (issuer, subject, user_id) VALUES (%s, %s, %s) "
        "ON CONFLICT DO NOTHING",
        [claims.issuer, claims.subject, user_id],
    )


async def _organisation(connection: Connection, provider: Provider, user_id: UUID) -> UUID:
    try:
        return await choose_organisation(connection, user_id, provider.organisation)
    except Rejected:
        return await choose_organisation(connection, user_id, None)


def _name(claims: Claims) -> str:
    printable = "".join(one for one in claims.name if one.isprintable())
    return printable[:NAME_CHARACTERS]
