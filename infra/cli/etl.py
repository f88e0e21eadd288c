"""``sightline etl``: the analytics made anew."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from infra.cli.connection import DEFAULT_DATA_DIR, DataDir, connect
from schemas.errors import Fatal


def register(app: typer.Typer) -> None:
    """Add the ``etl`` commands."""
    etl = typer.Typer(help="Rollups and Parquet of the cloud.", no_args_is_help=True)
    etl.callback()(lambda: None)

    @etl.command("rebuild")
    def rebuild_span(
        start: Annotated[
            str, typer.Option("--from", metavar="TIME", help="2026-11-01, or with a time; UTC.")
        ],
        end: Annotated[str, typer.Option("--to", metavar="TIME", help="Up to, not included.")],
        site: Annotated[str | None, typer.Option(help="Only this site.")] = None,
        data_dir: DataDir = DEFAULT_DATA_DIR,
    ) -> None:
        """Compute every rollup of a span anew from the stored rows; the figures stay the same.

        Days whose rows retention has removed are left as they are. Parquet follows within minutes.
        """
        from consumers.etl.postgres import session
        from consumers.etl.recomputing import rebuild

        from_at, to_at = moment("--from", start), moment("--to", end)
        if from_at >= to_at:
            raise Fatal(f"--from {start} is not before --to {end}: turn them round")
        with session(connect(data_dir).need("postgres_dsn")) as connection:
            for subject, day, written in rebuild(connection, from_at, to_at, site):
                changes = ", ".join(f"{table} {rows}" for table, rows in sorted(written.items()))
                print(f"{day:%Y-%m-%d} {subject}: rows changed: {changes or 'none'}", flush=True)

    app.add_typer(etl, name="etl")


def moment(option: str, text: str) -> datetime:
    """Read a time in ISO format, of UTC unless it says otherwise.

    >>> moment("--from", "2026-11-01").isoformat()
    '2026-11-01T00:00:00+00:00'
    """
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise Fatal(f"{option} {text} is no time: write 2026-11-01 or 2026-11-01T12:00") from None
    if not 1970 <= read.year < 9900:
        raise Fatal(f"{option} {text} is in no rollup: they begin in 1970 and end before 9900")
    return read if read.tzinfo else read.replace(tzinfo=UTC)
