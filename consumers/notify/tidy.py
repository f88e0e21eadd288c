"""What is old enough goes: deliveries that have ended, mutes that are over, browsers of who left."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from consumers.store.database import Connection, Database
from schemas.errors import Retryable

KEPT = timedelta(days=30)
"""How long deliveries are kept. Routes take no event older than a week, so that none whose delivery
is forgotten is told again."""
AT_ONCE = 5000
EVERY_S = 3600.0
PAUSE_S = 0.2


async def tidy(connection: Connection, before: datetime) -> int:
    """Remove up to ``AT_ONCE`` rows from before a time; return how many, to be called again.

    What still waits to be sent stays, however old; it is given up in a day by itself.
    """
    # Browsers of people who have left the organisation, or were deleted.
    left = await connection.execute(
        "DELETE FROM notify_targets t WHERE t.user_id IS NOT NULL AND NOT EXISTS (SELECT "
        "FROM memberships m WHERE m.user_id = t.user_id AND m.organisation_id = t.organisation_id)"
    )
    mutes = await connection.execute("DELETE FROM notify_mutes WHERE until < %s", [before])
    deliveries = await connection.execute(
        "DELETE FROM notify_deliveries WHERE delivery_id IN (SELECT delivery_id "
        "FROM notify_deliveries WHERE created_at < %s "
        "AND status NOT IN ('pending', 'collecting', 'held') LIMIT %s)",
        [before, AT_ONCE],
    )
    return left.rowcount + mutes.rowcount + deliveries.rowcount


async def keep_tidy(database: Database, log: Any) -> None:
    """Tidy once an hour, a bounded piece at a time, until cancelled."""
    while True:
        try:
            gone = AT_ONCE
            while gone >= AT_ONCE:
                async with database.system() as connection:
                    gone = await tidy(connection, datetime.now(UTC) - KEPT)
                await asyncio.sleep(PAUSE_S)
        except Retryable as error:
            log.warning("old deliveries stay for now", error=str(error))
        await asyncio.sleep(EVERY_S)
