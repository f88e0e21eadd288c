"""Removing what is over: sessions, codes, links, counts of failures."""

from __future__ import annotations

from consumers.store.database import Database

_OVER = (
    "DELETE FROM sessions WHERE expires_at < now()",
    "DELETE FROM one_time_codes WHERE expires_at < now()",
    "DELETE FROM provider_logins WHERE expires_at < now()",
    "DELETE FROM invitations WHERE expires_at < now() - interval '30 days'",
    # By then every bucket has leaked empty: see consumers/access/meters.py.
    "DELETE FROM throttles WHERE charged_at < now() - interval '30 days'",
    "DELETE FROM devices WHERE seen_at < now() - interval '400 days'",
)


async def sweep(database: Database) -> int:
    """Remove it and return how many rows went; whoever uses a row that is over is refused anyway."""
    removed = 0
    async with database.system() as connection:
        for statement in _OVER:
            removed += (await connection.execute(statement)).rowcount
    return removed
