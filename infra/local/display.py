"""What a person sees while parts install and start, and the table of ``status``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from infra.local.overview import Row

_DONE = ("ready", "installed")
_COLOURS = {"ready": "green", "dead": "red", "failed": "red", "orphan": "red", "waiting": "yellow"}


class StartDisplay:
    """A live list of what is being installed or started; plain lines where there is no terminal.

    Use as a context manager and pass ``report`` as the progress callback.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._rows: dict[str, tuple[str, float | None, float]] = {}
        self._live = Live(
            console=console, get_renderable=self._render, refresh_per_second=8, transient=False
        )

    def __enter__(self) -> Self:
        """Begin to draw."""
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Draw a last time."""
        self.close()

    def close(self) -> None:
        """Draw a last time, so that what is printed from now on stands below; safe to repeat."""
        if self._live.is_started:
            self._live.stop()

    def report(self, name: str, state: str, seconds: float) -> None:
        """Take in that ``name`` is now ``state``, which took ``seconds``."""
        before = self._rows.get(name)
        took = seconds if state in _DONE else None
        began = before[2] if before else time.monotonic()
        self._rows[name] = (state, took, began)
        counting = before is not None and before[0][:1].isdigit() and state[:1].isdigit()
        if not self._console.is_terminal and not counting:
            shown = f" ({took:.1f} s)" if took is not None else ""
            self._console.print(f"{name:<14} {state}{shown}", highlight=False)

    def _render(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for name, (state, took, began) in self._rows.items():
            if took is not None:
                table.add_row(Text("✓", "green"), name, Text(state, "green"), f"{took:.1f} s")
            else:
                elapsed = time.monotonic() - began
                table.add_row(Spinner("dots"), name, state, f"{elapsed:.1f} s")
        return table


def duration(seconds: float) -> str:
    """Return a short duration.

    >>> [duration(s) for s in (4.2, 75, 7300, 200000)]
    ['4 s', '1 min 15 s', '2 h 1 min', '2 d 7 h']
    """
    whole = int(seconds)
    units = ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"))
    for size, name, smaller, smaller_name in units:
        if whole >= size:
            return f"{whole // size} {name} {whole % size // smaller} {smaller_name}"
    return f"{whole} s"


def status_table(rows: Sequence[Row]) -> Table:
    """Return the table of parts with their state, process, ports, memory and uptime."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("part", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("pid", justify="right", no_wrap=True)
    table.add_column("port", justify="right", no_wrap=True)
    table.add_column("memory", justify="right", no_wrap=True)
    table.add_column("uptime", no_wrap=True)
    table.add_column("restarts", justify="right")
    table.add_column("")
    for row in rows:
        table.add_row(
            row.name,
            Text(row.state, _COLOURS.get(row.state, "")),
            str(row.pid or "-"),
            str(next(iter(row.ports.values()), "-")),
            f"{row.memory_bytes / 1024**2:.0f} MiB" if row.memory_bytes is not None else "-",
            duration(row.uptime_s) if row.uptime_s is not None else "-",
            str(row.restarts or ""),
            row.message,
        )
    known = [row.memory_bytes for row in rows if row.memory_bytes is not None]
    if known:
        table.add_row("all", "", "", "", f"{sum(known) / 1024**2:.0f} MiB", "", "", style="dim")
    return table
