"""A product in a folder of its own, driven through ``sightline`` as a user would."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from infra.local.state import StackRecord, read_record
from producers import scene
from tests.product import run_cli

SITE = scene.SITE


@contextmanager
def new_folder() -> Iterator[Path]:
    """Give a folder that the user whom Postgres runs as can enter; remove it at the end.

    Within, SIGTERM ends the program as Ctrl-C does, so that what runs on the folder is stopped.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    path = Path(tempfile.mkdtemp(prefix="sightline-bench-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def running(folder: Path) -> Iterator[float]:
    """Run edge, cloud and all our processes for the demo's site; give the seconds it took."""
    began = time.monotonic()
    try:
        cli(folder, "up", "--site", SITE, "--detach")
        yield time.monotonic() - began
    finally:
        cli(folder, "down")


def cli(folder: Path, *arguments: str) -> str:
    """Run ``sightline`` on the product under ``folder``; end with what it says when it fails."""
    done = run_cli(*arguments, data_dir=folder)
    if done.returncode != 0:
        sys.exit(f"sightline {' '.join(arguments)}: {done.stdout}{done.stderr}")
    return done.stdout


def apply(folder: Path, site_text: str) -> None:
    """Apply a site's configuration through the cloud and await the site's receipt."""
    path = folder / "site.yaml"
    path.write_text(site_text, encoding="utf-8")
    cli(folder, "config", "apply", str(path))


def memory(folder: Path) -> dict[str, int]:
    """Return the bytes of each part, shared pages shared out (PSS), and of the supervisor."""
    parts: list[dict[str, Any]] = json.loads(cli(folder, "status", "--json"))["parts"]
    supervisor = psutil.Process(record(folder).supervisor_pid).memory_full_info().pss
    return {part["name"]: part["memory_bytes"] or 0 for part in parts} | {"supervisor": supervisor}


def record(folder: Path) -> StackRecord:
    """Return the run file of the product under ``folder``."""
    found = read_record(folder)
    assert found is not None
    return found
