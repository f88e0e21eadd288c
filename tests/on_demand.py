"""Programs that single tests want, installed from their locked packages when first asked for."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.fixtures import ROOT

Commands = Callable[[Path, Path], Sequence[Sequence[str]]]
"""From the folder and the lock file to what installs the one from the other."""


def installed(name: str, commands: Commands) -> Path:
    """Return ``.parts/<name>``, installed from ``requirements/<name>.txt``, or skip the test."""
    home, lock = ROOT / ".parts" / name, ROOT / "requirements" / f"{name}.txt"
    stamp, wanted = home / ".installed", hashlib.sha256(lock.read_bytes()).hexdigest()
    home.parent.mkdir(exist_ok=True)
    with (home.parent / f"{name}.lock").open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        if not stamp.is_file() or stamp.read_text() != wanted:
            for command in commands(home, lock):
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode:
                    pytest.skip(f"{name} cannot be installed: {done.stderr.strip()[-300:]}")
            stamp.write_text(wanted)
    return home


def environment(home: Path, lock: Path) -> Sequence[Sequence[str]]:
    """Make an environment of its own with the locked packages."""
    pip = [str(home / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    return (
        [sys.executable, "-m", "venv", "--clear", str(home)],
        [*pip, "--require-hashes", "-r", str(lock)],
    )


def packages(home: Path, lock: Path) -> Sequence[Sequence[str]]:
    """Put the locked packages alone into a folder; what they need is in our environment."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    options = ["--no-deps", "--upgrade", "--target", str(home)]
    return ([*pip, *options, "--require-hashes", "-r", str(lock)],)
