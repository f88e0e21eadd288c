"""A product of its own in a folder of its own, driven through ``sightline``."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from producers import scene
from tests.fixtures import ROOT

SITE = "demo"
PYTHON = ROOT / ".venv" / "bin" / "python"


@contextmanager
def folder() -> Iterator[Path]:
    """Give a new folder that the user whom Postgres runs as can enter; remove it at the end."""
    path = Path(tempfile.mkdtemp(prefix="sightline-bench-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
