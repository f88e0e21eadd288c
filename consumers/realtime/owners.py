"""Which organisation owns which site: known in memory, a few seconds old at most."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from uuid import UUID

import psycopg
import structlog

from consumers.store.database import Database
from schemas.errors import Retryable

REFRESH_S = 2.0
LOG = structlog.get_logger("owners")


class Owners:
    """The owners of all sites, read again every few seconds.

    While Postgres is away the last answer stands: nobody can give a site away meanwhile, and an
    alert does not wait for the database. :attr:`age_s` says how old the answer is.
    """

    def __init__(
        self, database: Database, on_change: Callable[[frozenset[UUID]], None] | None = None
    ) -> None:
        """Know nothing yet; ``on_change`` hears which organisations lost or gained a site."""
        self._database = database
        self._on_change = on_change
        self._owners: Mapping[str, UUID] = {}
        self._read_at_s: float | None = None

    def of(self, site: str) -> UUID | None:
        """Return the organisation that owns a site; None where nobody does."""
        return self._owners.get(site)

    @property
    def age_s(self) -> float:
        """Seconds since Postgres last answered; infinite before its first answer."""
        return time.monotonic() - self._read_at_s if self._read_at_s is not None else float("inf")

    async def refresh(self) -> None:
        """Read the owners of all sites.

        Raises:
            Retryable: Postgres does not answer.
        """
        asked_at_s = time.monotonic()
        async with self._database.system() as connection:
            answer = await connection.execute(
                "SELECT site, organisation_id FROM sites WHERE organisation_id IS NOT NULL"
            )
            owners = {row["site"]: row["organisation_id"] async for row in answer}
        known = self._read_at_s is not None
        before, self._owners, self._read_at_s = self._owners, owners, asked_at_s
        changed = frozenset(owner for _, owner in before.items() ^ owners.items())
        if known and changed and self._on_change is not None:
            self._on_change(changed)

    async def keep_fresh(self) -> None:
        """Refresh for ever; run as a task."""
        while True:
            try:
                await self.refresh()
            except (Retryable, psycopg.Error) as error:
                LOG.warning("owners of sites cannot be read", error=str(error))
            await asyncio.sleep(REFRESH_S)
