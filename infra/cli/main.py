"""The command line: ``sightline``."""

from __future__ import annotations

import sys
from importlib import import_module

import typer

from schemas.errors import SightlineError

_COMMANDS = {
    "infra.cli.stack": ("up", "down", "status", "logs", "doctor", "setup-parts"),
    "infra.cli.demonstrating": ("demo",),
    "infra.cli.configuring": ("config",),
    "infra.cli.events": ("events",),
    "infra.cli.topics": ("topics",),
    "infra.cli.models": ("models",),
    "infra.cli.replaying": ("replay",),
    "infra.cli.running": ("run",),
}
"""Which module registers which commands: only the one that is asked for is imported."""


def build(command: str | None = None) -> typer.Typer:
    """Put the commands together; with ``command`` only those of its module, where there is one."""
    app = typer.Typer(
        name="sightline",
        help="Event-streaming video analytics on Kafka: cameras in, events with evidence out.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    # With one command alone typer would drop its name.
    app.callback()(lambda: None)
    chosen = [module for module, names in _COMMANDS.items() if command in names]
    for module in chosen or _COMMANDS:
        import_module(module).register(app)
    return app


def main() -> None:
    """Run the command line; an error of ours is one line on stderr and exit code 1."""
    try:
        build(sys.argv[1] if len(sys.argv) > 1 else None)()
    except SightlineError as error:
        print(f"sightline: {error}", file=sys.stderr)
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
