"""The command line: ``sightline``."""

from __future__ import annotations

import logging
import os
import sys
from importlib import import_module

import typer

from schemas.errors import SightlineError

INTERRUPTED = 130
_COMMANDS = {
    "infra.cli.stack": ("up", "down", "status", "logs", "doctor", "setup-parts"),
    "infra.cli.demonstrating": ("demo",),
    "infra.cli.configuring": ("config",),
    "infra.cli.commanding": ("command",),
    "infra.cli.events": ("events",),
    "infra.cli.filter": ("filter",),
    "infra.cli.topics": ("topics",),
    "infra.cli.video": ("video",),
    "infra.cli.migrating": ("migrate",),
    "infra.cli.etl": ("etl",),
    "infra.cli.people": ("organisations", "sites", "users", "keys"),
    "infra.cli.auditing": ("audit",),
    "infra.cli.models": ("models",),
    "infra.cli.openapi": ("openapi",),
    "infra.cli.replaying": ("replay",),
    "infra.cli.backtest": ("backtest",),
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
    """Run the command line; an error of ours or the system's is one line, and exit code 1."""
    # It repeats each refused connection; a command's own error says it once, and what to do. A
    # process of ours sets this again, with a limit.
    logging.getLogger("librdkafka").setLevel(logging.CRITICAL + 1)
    try:
        build(sys.argv[1] if len(sys.argv) > 1 else None)()
    except SightlineError as error:
        print(f"sightline: {error}", file=sys.stderr)
        raise SystemExit(1) from error
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    except BrokenPipeError as error:
        # Whoever read our output has seen enough; at exit Python would complain of it once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from error
    except OSError as error:
        print(f"sightline: {_told(error)}", file=sys.stderr)
        raise SystemExit(1) from error


def _told(error: OSError) -> str:
    what = error.strerror or str(error) or type(error).__name__
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{what}; see that this file, folder or address can be used, and try again"


if __name__ == "__main__":
    main()
