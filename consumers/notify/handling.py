"""Whether somebody takes care of an event already."""

from __future__ import annotations

from typing import Protocol

from consumers.store.database import Connection


class Handling(Protocol):
    """The one question that escalation asks."""

    async def is_taken(self, connection: Connection, event_id: str) -> bool:
        """Tell whether somebody has acknowledged the event, or more."""


class StoredHandling:
    """As people's doings stand in the events' rows (``r0006_handling.sql``)."""

    async def is_taken(self, connection: Connection, event_id: str) -> bool:
        """Tell whether somebody has acknowledged the event, or more.

        An event whose row has not come yet has been acknowledged by nobody.
        """
        found = await connection.execute(
            "SELECT handling FROM events JOIN event_places USING (event_id, opened_at) "
            "WHERE event_id = %s",
            [event_id],
        )
        row = await found.fetchone()
        return row is not None and row["handling"] != "new"
