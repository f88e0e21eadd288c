"""Entries of the audit trail about a person who works for several organisations, or for none."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from consumers.access.audit import CLOUD, Entry, append
from consumers.store.database import Connection


async def note_user(
    connection: Connection,
    user_id: UUID,
    mail: str,
    action: str,
    source: str,
    details: Mapping[str, object] | None = None,
    *,
    session_id: UUID | None = None,
    organisation_id: UUID | None = None,
) -> None:
    """Note what a user did to their own account: in one organisation, by default in all of theirs."""
    for own in [organisation_id] if organisation_id else await _organisations(connection, user_id):
        await append(
            connection,
            Entry(
                organisation_id=own,
                action=action,
                subject=mail,
                details=details or {},
                actor_kind="user",
                actor_id=user_id,
                actor_name=mail,
                session_id=session_id,
                source=source,
            ),
        )


async def note_nobody(connection: Connection, action: str, mail: str, source: str) -> None:
    """Note what was tried in the name of nobody known, in the trail of the cloud."""
    await append(
        connection,
        Entry(organisation_id=CLOUD, action=action, subject=masked(mail), source=source),
    )


async def note_operator(
    connection: Connection,
    organisation_id: UUID,
    action: str,
    subject: str,
    details: Mapping[str, object] | None = None,
) -> None:
    """Note what an operator of the cloud did on its command line."""
    await append(
        connection,
        Entry(
            organisation_id=organisation_id,
            action=action,
            subject=subject,
            details=details or {},
            actor_kind="operator",
            actor_name="command line",
        ),
    )


def masked(mail: str) -> str:
    """Return an address that belongs to nobody here with as little as tells it from others.

    >>> masked("somebody@example.com")
    's…@example.com'
    """
    local, _, domain = mail.partition("@")
    return f"{local[:1]}…@{domain}"


async def _organisations(connection: Connection, user_id: UUID) -> list[UUID]:
    # Chains are locked in this order at commit: one order for all.
    found = await connection.execute(
        "SELECT organisation_id FROM memberships WHERE user_id = %s ORDER BY organisation_id",
        [user_id],
    )
    return [row["organisation_id"] for row in await found.fetchall()] or [CLOUD]
