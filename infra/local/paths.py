"""Where things lie: the checkout, the installed parts, the data of one stack."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

from schemas.errors import Fatal

REPOSITORY = Path(__file__).resolve().parents[2]
NEEDED_BYTES = 512 * 1024 * 1024
FULL_BYTES = 8 * 1024 * 1024
"""With less free than this a disk is called full: parts stop on it."""


def data_home() -> Path:
    """Return the data directory of the default stack: ``$SIGHTLINE_HOME`` or ``./.sightline``."""
    return Path(os.environ.get("SIGHTLINE_HOME") or ".sightline").absolute()


def parts_home() -> Path:
    """Return the folder of installed parts, shared between stacks."""
    return Path(os.environ.get("SIGHTLINE_PARTS") or REPOSITORY / ".parts").absolute()


def wheel_folder(module: str, wheel: str) -> Path:
    """Return the folder of an installed module without importing it; Fatal if it is missing."""
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise Fatal(f"the Python package {wheel} is not installed; run `make setup`")
    return Path(spec.submodule_search_locations[0])


def environment_bin() -> Path:
    """Return the folder of this environment's programs."""
    return Path(sys.executable).parent


def check_disk(folder: Path, needed: int = NEEDED_BYTES) -> None:
    """Raise Fatal when the disk under ``folder`` has less than ``needed`` bytes free."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise Fatal(
            f"only {free >> 20} MiB are free on the disk under {folder}, the stack needs "
            f"{needed >> 20} MiB; free some space or choose another disk with --data-dir"
        )


def full_disk(folder: Path) -> str:
    """Say that the disk under an existing folder is full, and what to do; empty when it is not."""
    free = shutil.disk_usage(folder).free
    if free >= FULL_BYTES:
        return ""
    return (
        f"only {free >> 20} MiB are free on the disk under {folder}; free some space, and what "
        "stopped starts again by itself"
    )


def make_folder(folder: Path, mode: int = 0o755) -> Path:
    """Create a folder; Fatal with the reason when that is refused."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=mode)
    except OSError as error:
        raise Fatal(
            f"cannot create {folder}: {error.strerror}; choose another place with --data-dir"
        ) from error
    return folder
