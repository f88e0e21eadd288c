"""Programs that only Debian packages: promtool, mosquitto. A test skips where none can be had."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.fixtures import ROOT

FOLDER = ROOT / ".parts" / "debian"
_PLACES = ("usr/bin", "usr/sbin")
_LIMIT_S = 180.0


def program(name: str, package: str) -> Path:
    """Return a program of a Debian package: of this system, or unpacked under ``.parts/debian``.

    What is not there is downloaded with ``apt-get`` and unpacked, not installed, so that no service
    starts. The libraries that it needs must be on the system; :func:`libraries` unpacks some.
    """
    path = _find(name) or _unpacked(package, name)
    if path is None:
        pytest.skip(f"no {name}: `apt-get install {package}` (Debian) brings it")
    return path


def libraries(*packages: str) -> dict[str, str]:
    """Unpack packages of libraries; return the environment in which programs find them."""
    for package in packages:
        _unpack(package)
    folders = [str(path) for path in (FOLDER / "usr/lib/x86_64-linux-gnu", FOLDER / "usr/lib")]
    return {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(folders)}


def _find(name: str) -> Path | None:
    places = [str(FOLDER / place) for place in _PLACES]
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *places]))
    # Servers lie outside an ordinary user's PATH.
    found = found or shutil.which(name, path="/usr/sbin:/sbin")
    return Path(found) if found else None


def _unpacked(package: str, name: str) -> Path | None:
    return _find(name) if _unpack(package) else None


@functools.cache
def _unpack(package: str) -> bool:
    """Download a package and unpack it under ``FOLDER``; tell whether that worked."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return False
    FOLDER.mkdir(parents=True, exist_ok=True)
    # Apt drops its rights and could not write here.
    download = ("apt-get", "-o", "APT::Sandbox::User=root", "download", package)
    for command in (download, ("apt-get", "update"), download):
        done = _run(command)
        archives = sorted(FOLDER.glob(f"{package}_*.deb"))
        if done and archives:
            return _run(("dpkg-deb", "-x", str(archives[-1]), str(FOLDER)))
    return False


def _run(command: tuple[str, ...]) -> bool:
    try:
        done = subprocess.run(
            command, cwd=FOLDER, capture_output=True, timeout=_LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
