"""The services' way into Postgres: one pool, and each transaction for one organisation.

Row-level security stands beneath whatever a service checks by itself: in :meth:`Database.tenant`
the role owns nothing and sees the rows of one organisation, also where a query forgot to ask.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from consumers.store.address import check_address, no_answer

Connection = AsyncConnection[DictRow]
ROLE = "sightline_app"
WAIT_S = 5.0
"""How long a caller waits for a connection before it is told that Postgres does not answer."""
STATEMENT_TIMEOUT_MS = 15_000


class Database:
    """A pool of connections; open it with ``async with``."""

    def __init__(self, dsn: str, *, connections: int = 8) -> None:
        """Connect to nothing yet.

        Raises:
            Fatal: ``dsn`` is no address of a Postgres.
        """
        check_address(dsn)
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            dsn,
            min_size=1,
            max_size=connections,
            timeout=WAIT_S,
            open=False,
            check=AsyncConnectionPool.check_connection,
            kwargs={
                "row_factory": dict_row,
                "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c timezone=UTC",
                "connect_timeout": 5,
            },
        )

    async def __aenter__(self) -> Self:
        """Open the pool; a Postgres that is away is waited for by whoever needs it."""
        await self._pool.open(wait=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the pool."""
        await self._pool.close()

    @asynccontextmanager
    async def tenant(self, organisation: UUID) -> AsyncIterator[Connection]:
        """Yield a connection in a transaction that sees this organisation's rows alone.

        Raises:
            Retryable: Postgres does not answer.
        """
        async with self._connection() as connection:
            await connection.execute(
                "SELECT set_config('role', %s, true), set_config('sightline.organisation', %s, true)",
                [ROLE, str(organisation)],
            )
            yield connection

    @asynccontextmanager
    async def system(self) -> AsyncIterator[Connection]:
        """Yield a connection in a transaction that sees every organisation: for logging in,
        housekeeping and workers that serve all tenants.

        Raises:
            Retryable: Postgres does not answer.
        """
        async with self._connection() as connection:
            yield connection

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        # Commits at the end, rolls back on an exception; the role and the setting end with it. Begun
        # here, so that a block within that is a transaction of its own commits nothing alone.
        try:
            async with self._pool.connection() as connection, connection.transaction():
                yield connection
        except (PoolTimeout, psycopg.OperationalError) as error:
            raise no_answer(error) from error
