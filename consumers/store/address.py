"""Where Postgres is, checked and told without repeating the address: it holds a password."""

from __future__ import annotations

import psycopg
from psycopg.conninfo import conninfo_to_dict

from schemas.errors import Fatal, Retryable


def check_address(dsn: str) -> None:
    """Insist that the text is an address that Postgres' client can read.

    Raises:
        Fatal: it is not.
    """
    try:
        conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        # Its own text repeats parts of the address.
        raise Fatal(
            "the address of Postgres cannot be read: set SIGHTLINE_POSTGRES_DSN to "
            "postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
        ) from None


def no_answer(error: BaseException | None) -> Retryable:
    """Return the error to raise when Postgres does not answer: why, and what to do, in one line."""
    why = " ".join(str(error).split())
    return Retryable(
        f"Postgres does not answer: {why}; see `sightline status`, or correct SIGHTLINE_POSTGRES_DSN"
    )
