"""``sightline migrate``: bring the cloud's database to this version's tables."""

from __future__ import annotations

import typer

from consumers.store.migrate import migrate
from infra.cli.connection import DEFAULT_DATA_DIR, DataDir, connect


def register(app: typer.Typer) -> None:
    """Add the ``migrate`` command."""

    @app.command("migrate")
    def bring_up_to_date(data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
        """Create or bring up to date the tables of the cloud's Postgres; safe to repeat."""
        migrate(connect(data_dir).need("postgres_dsn"))
        print("the tables are up to date")
