"""How long the product takes to start, and how much memory each part holds.

Run with ``python -m tests.bench.start [SECONDS] [--cold]``: twice on one folder, everything
installed before; memory after the second start, and again when the demo's camera has run for
SECONDS. ``--cold`` first clones this repository's last commit and installs it from nothing, as
``make setup`` does, with whatever pip and Maven have in their caches.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from producers import scene
from tests.bench.printing import machine, table
from tests.bench.product import apply, memory, new_folder, running
from tests.fixtures import ROOT

SECONDS = 60.0


def cold_s() -> float:
    """Return the seconds from a clone to an installed product."""
    with new_folder() as folder:
        clone = folder / "sightline"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        began = time.monotonic()
        done = subprocess.run(
            ["make", "setup"], cwd=clone, check=False, capture_output=True, text=True
        )
        if done.returncode != 0:
            sys.exit(f"make setup in a clone: {done.stdout}{done.stderr}")
        return time.monotonic() - began


def measure(folder: Path, seconds: float) -> tuple[list[float], dict[str, int], dict[str, int]]:
    """Start twice; return both times, and the memory without a camera and with the demo's."""
    with running(folder) as first_s:
        pass
    with running(folder) as second_s:
        idle = memory(folder)
        apply(folder, scene.site_yaml())
        time.sleep(seconds)
        return [first_s, second_s], idle, memory(folder)


def main() -> None:
    """Print the times and the memory."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--cold"]
    seconds = float(arguments[0]) if arguments else SECONDS
    print(machine())
    installed_s = cold_s() if "--cold" in sys.argv else None
    with new_folder() as folder:
        (first_s, second_s), idle, busy = measure(folder, seconds)
    rows = [
        ("first start, new folder", f"{first_s:.1f}", f"{first_s / second_s:.2f}"),
        ("second start, same folder", f"{second_s:.1f}", "1.00"),
    ]
    if installed_s is not None:
        cold = installed_s + first_s
        rows.insert(0, ("make setup in a clone", f"{installed_s:.1f}", ""))
        rows.insert(1, ("cold start: both", f"{cold:.1f}", f"{cold / second_s:.2f}"))
    table(("start", "seconds", "× second"), rows)
    print()
    totals = {"total": (sum(idle.values()), sum(busy.values()))}
    sizes = {name: (idle.get(name, 0), size) for name, size in busy.items()} | totals
    table(
        ("memory (PSS)", "no camera, MiB", f"demo camera {seconds:g} s, MiB"),
        [(name, _mib(before), _mib(after)) for name, (before, after) in sizes.items()],
    )


def _mib(size: int) -> str:
    return f"{size / (1 << 20):.0f}"


if __name__ == "__main__":
    main()
