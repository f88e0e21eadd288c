"""Bring the database to the present tables; safe to repeat, and for two to do at once."""

from __future__ import annotations

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from consumers.store.address import check_address, no_answer
from schemas.errors import Fatal

LOCK = 0x51_67_68_74
"""Key of the advisory lock: "Sght"."""


def migrate(dsn: str) -> None:
    """Apply the steps of ``consumers/store/migrations`` that the database has not had yet.

    Raises:
        Retryable: Postgres does not answer, or went away; nothing is half applied.
        Fatal: it refuses a step, or knows steps that this program does not.
    """
    check_address(dsn)
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(dsn), poolclass=NullPool
    )
    config = Config()
    # A per cent sign in a path would be read as the start of a reference.
    scripts = str(Path(__file__).parent / "migrations").replace("%", "%%")
    config.set_main_option("script_location", scripts)
    try:
        with engine.connect() as connection:
            # Held by the session, so it is let go even if this process dies.
            connection.exec_driver_sql(f"SELECT pg_advisory_lock({LOCK})")
            connection.commit()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
    except OperationalError as error:
        raise no_answer(error.orig) from error
    except DBAPIError as error:
        raise Fatal(f"Postgres refuses to create the tables: {error.orig}") from error
    except CommandError as error:
        raise Fatal(
            f"the database holds a step that this version does not know ({error}): "
            "run the newest version of Sightline against it"
        ) from error
