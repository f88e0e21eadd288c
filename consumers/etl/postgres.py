"""A connection for a worker of the analytics: one for each turn, errors told as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from consumers.store.address import check_address, no_answer
from schemas.errors import Fatal

Connection = psycopg.Connection[tuple[Any, ...]]
OPTIONS = (
    "-c timezone=UTC -c statement_timeout=600000 -c idle_in_transaction_session_timeout=600000 "
    # Compiling costs more than these statements do.
    "-c jit=off"
)


@contextmanager
def session(dsn: str) -> Iterator[Connection]:
    """Yield a connection that commits by itself, at READ COMMITTED, in UTC.

    Raises:
        Retryable: Postgres does not answer, or went away.
        Fatal: the tables are not there, or the address is none.
    """
    check_address(dsn)
    try:
        with psycopg.connect(
            dsn,
            autocommit=True,
            connect_timeout=5,
            options=OPTIONS,
            # A server that vanished is noticed within half a minute.
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=4,
        ) as connection:
            yield connection
    except psycopg.OperationalError as error:
        raise no_answer(error) from error
    except psycopg.errors.UndefinedTable as error:
        raise Fatal("the database has no tables of rollups: run `sightline migrate`") from error
