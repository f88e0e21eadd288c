"""Tickets: a stream opened by a browser that cannot send a header with its WebSocket."""

from __future__ import annotations

from datetime import datetime, timedelta

from consumers.access.authenticate import Reference
from consumers.access.tokens import digest, new_token
from consumers.store.database import Database

LASTS = timedelta(seconds=30)


async def issue(database: Database, reference: Reference) -> tuple[str, datetime]:
    """Return a ticket that stands for what somebody was authenticated by, and when it expires.

    Raises:
        Retryable: Postgres does not answer.
    """
    ticket = new_token()
    async with database.system() as connection:
        await connection.execute("DELETE FROM stream_tickets WHERE expires_at < now()")
        answer = await connection.execute(
            "INSERT INTO stream_tickets (ticket_hash, kind, credential_hash, expires_at) "
            "VALUES (%s, %s, %s, now() + %s) RETURNING expires_at",
            [digest(ticket), reference.kind, reference.digest, LASTS],
        )
        row = await answer.fetchone()
        assert row is not None
    return ticket, row["expires_at"]


async def redeem(database: Database, ticket: str, source: str) -> Reference | None:
    """Return what a ticket stands for, once; None where it is none, used, or too old.

    Raises:
        Retryable: Postgres does not answer.
    """
    async with database.system() as connection:
        answer = await connection.execute(
            "DELETE FROM stream_tickets WHERE ticket_hash = %s "
            "RETURNING kind, credential_hash, expires_at > now() AS valid",
            [digest(ticket)],
        )
        row = await answer.fetchone()
    if row is None or not row["valid"]:
        return None
    return Reference(row["kind"], bytes(row["credential_hash"]), source)
