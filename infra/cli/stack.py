"""``up``, ``down``, ``status``, ``logs``, ``doctor``, ``setup-parts``: the embedded stack."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.markup import escape

from infra.cli.connection import (
    DEFAULT_DATA_DIR,
    DataDir,
    check_owner,
    models_folder,
    recorded_site,
)
from infra.local import daemon
from infra.local.blueprint import NAMES, PORTS, SERVICE_PORTS
from infra.local.display import StartDisplay, status_table
from infra.local.doctor import examine
from infra.local.install import install
from infra.local.overview import overview
from infra.local.paths import full_disk
from infra.local.stack import Stack, StackConfig
from schemas.errors import Fatal
from schemas.ids import SITE_PATTERN

_PANEL = "Embedded stack"
_PORT_NAMES = tuple(
    f"{part}.{name}" for part, names in (PORTS | SERVICE_PORTS).items() for name in names
)
_FOLLOW_S = 0.2
_INTERRUPTED = 130


def register(app: typer.Typer) -> None:
    """Add the commands of the embedded stack."""
    app.command("up", rich_help_panel=_PANEL)(up)
    app.command("down", rich_help_panel=_PANEL)(down)
    app.command("status", rich_help_panel=_PANEL)(status)
    app.command("logs", rich_help_panel=_PANEL)(logs)
    app.command("doctor", rich_help_panel=_PANEL)(doctor)
    app.command("setup-parts", rich_help_panel=_PANEL)(setup_parts)


def up(
    data_dir: DataDir = DEFAULT_DATA_DIR,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Go to the background.")] = False,
    part: Annotated[
        list[str] | None, typer.Option(help=f"Only these parts: {', '.join(NAMES)}.")
    ] = None,
    port: Annotated[
        list[str] | None, typer.Option(help="Fix a port, such as postgres.sql=5432.")
    ] = None,
    site: Annotated[
        str | None, typer.Option(help="Run the product for this site on top; kept for next time.")
    ] = None,
) -> None:
    """Start the real parts, and the product on top, and keep them running until Ctrl-C."""
    config = StackConfig(
        data_dir=data_dir.absolute(),
        parts=frozenset(part) if part else None,
        ports=fixed_ports(port or []),
        model_repository=models_folder(data_dir),
    )
    if site is not None and not SITE_PATTERN.fullmatch(site):
        raise Fatal(f"--site {site}: small letters, digits and -, at most 40")
    if site is not None:
        check_owner(data_dir, site)
    runs = site or recorded_site(data_dir)
    if part and site:
        raise Fatal("--site needs all parts: leave --part out")
    console = Console()
    began = time.monotonic()
    with StartDisplay(console) as display:

        def ready() -> None:
            display.close()
            took = time.monotonic() - began
            console.print(f"[green]ready[/] after {took:.1f} s under {escape(str(data_dir))}")
            stop = "sightline down" if detach else "Ctrl-C"
            console.print(f"[dim]sightline status shows the parts; {stop} stops them[/]")
            if not runs:
                console.print("[dim]the parts alone run; --site NAME runs the product on top[/]")

        if detach:
            daemon.detach(config, display.report, _same_in_front())
            ready()
        else:
            stack = Stack(config)
            product = _product(stack, data_dir, runs, display)
            completed = daemon.serve(stack, display.report, ready, product)
            display.close()
            console.print("stopped")
            if not completed:
                raise typer.Exit(_INTERRUPTED)


def _product(
    stack: Stack, data_dir: Path, site: str, display: StartDisplay
) -> Callable[[], None] | None:
    if not site:
        return None
    # What the product is made of takes seconds to import: only where it is started.
    from infra.cli.platform import Platform

    return lambda: Platform(stack, data_dir, site).start(display.report)


def _same_in_front() -> list[str]:
    """Return this command line without going to the background."""
    kept = [word for word in sys.argv[1:] if word not in ("--detach", "-d")]
    return [sys.executable, "-m", "infra.cli.main", *kept]


def down(data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Stop the stack, whoever started it, and wait until nothing of it runs."""
    console = Console()
    with console.status("stopping"):
        stopped = daemon.stop_running(data_dir.absolute())
        ended = daemon.end_left_overs(data_dir.absolute())
    if ended:
        console.print(f"ended {', '.join(ended)}, left over from a killed run")
    elif stopped:
        console.print("stopped")
    else:
        console.print(f"no stack is running under {escape(str(data_dir))}")


def status(
    data_dir: DataDir = DEFAULT_DATA_DIR,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Show every part with its state, process, ports, memory and uptime; exit 1 unless all run."""
    seen = overview(data_dir.absolute())
    if seen is None:
        raise Fatal(f"no stack was ever started under {data_dir}; start one with `sightline up`")
    record, rows = seen
    supervised = record.supervised()
    phase = record.phase if supervised else "stopped" if record.phase != "failed" else "failed"
    # On a full disk the run file cannot say it.
    message = (full_disk(data_dir.absolute()) if supervised else "") or record.message
    if json:
        document = {"phase": phase, "message": message, "parts": rows}
        sys.stdout.buffer.write(msgspec.json.encode(document) + b"\n")
    else:
        console = Console()
        told = f": {message}" if message else ""
        console.print(f"{escape(str(data_dir))} is {phase}{escape(told)}", highlight=False)
        console.print(status_table(rows if supervised else [row for row in rows if row.pid]))
    if not supervised or any(row.state != "ready" for row in rows):
        raise typer.Exit(1)


def logs(
    part: Annotated[str, typer.Argument(help="A part, or `supervisor`.")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines come.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Last lines shown.")] = 100,
) -> None:
    """Print what a part has written."""
    folder = data_dir.absolute() / "logs"
    path = folder / f"{part}.log"
    if path.parent != folder or not path.is_file():
        there = ", ".join(sorted(log.stem for log in folder.glob("*.log"))) or "no log yet"
        raise Fatal(f"there is no log of {part} under {data_dir}; there is {there}")
    with path.open(errors="replace") as file:
        for line in file.readlines()[-lines:] if lines else ():
            sys.stdout.write(line)
        while follow:
            sys.stdout.write(file.read())
            sys.stdout.flush()
            time.sleep(_FOLLOW_S)
            if file.tell() > path.stat().st_size:
                file.seek(0)


def doctor(data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Say what is missing on this machine, and the command that mends it."""
    console = Console()
    findings = examine(data_dir.absolute())
    for finding in findings:
        mark = "[green]✓[/]" if finding.ok else "[red]✗[/]"
        line = f"{mark} [bold]{finding.what:<10}[/] {escape(finding.detail)}"
        if not finding.ok:
            line += f"\n  [yellow]→ {escape(finding.remedy)}[/]"
        console.print(line, highlight=False, soft_wrap=True)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def setup_parts() -> None:
    """Install the jars, compile our Java, prepare quick starts; at once when all is there."""
    with StartDisplay(Console()) as display:
        install(display.report)


def fixed_ports(pairs: list[str]) -> dict[str, int]:
    """Read ``NAME=N`` options; Fatal for one that is no port of a part."""
    fixed: dict[str, int] = {}
    for pair in pairs:
        name, _, number = pair.partition("=")
        if name not in _PORT_NAMES or not number.isdigit() or not 0 < int(number) < 65536:
            raise Fatal(
                f"--port {pair} is not NAME=1..65535, such as postgres.sql=5432; "
                f"the names are {', '.join(_PORT_NAMES)}"
            )
        fixed[name] = int(number)
    return fixed
