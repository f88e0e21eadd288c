"""Registers ``sightline replay``, whose options are parsed by ``replay_arguments``."""

from __future__ import annotations

import typer

from infra.cli.replay import run


def register(app: typer.Typer) -> None:
    """Add the ``replay`` command."""

    @app.command(
        "replay",
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
        add_help_option=False,
        short_help="Run the live core over footage or detections, without Kafka.",
    )
    def replay(context: typer.Context) -> None:
        raise typer.Exit(run(context.args))
