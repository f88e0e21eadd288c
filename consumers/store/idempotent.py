"""Stored answers to requests that may be sent again."""

from __future__ import annotations

from datetime import timedelta

from consumers.store.database import Connection

KEPT = timedelta(hours=24)


async def forget_old_answers(connection: Connection) -> None:
    """Remove the answers of all organisations that no repeat is promised any more.

    Raises:
        Retryable: Postgres does not answer.
    """
    await connection.execute(
        "DELETE FROM idempotent_answers WHERE created_at < clock_timestamp() - %s", [KEPT]
    )
