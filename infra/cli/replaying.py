"""Registers ``sightline replay``, whose options are parsed by its two forms themselves."""

from __future__ import annotations

import typer

from infra.cli import replay, replay_topic


def register(app: typer.Typer) -> None:
    """Add the ``replay`` command."""

    @app.command(
        "replay",
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
        add_help_option=False,
        short_help="Run the live core over footage or detections, without Kafka.",
    )
    def replay_command(context: typer.Context) -> None:
        form = replay_topic if replay_topic.wanted(context.args) else replay
        raise typer.Exit(form.run(context.args))
