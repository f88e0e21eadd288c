"""What is missing on this machine, and the command that mends it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from infra.local import install, paths, postgres, seaweedfs, triton
from infra.local.java import find_java
from infra.local.ports import PortBlock
from infra.local.state import read_record
from schemas.errors import Fatal, SightlineError

MEMORY_BYTES = 3 * 1024**3
SHARED_MEMORY_BYTES = 64 * 1024**2
_GLIBC = (2, 35)


@dataclass(frozen=True)
class Finding:
    """One thing looked at; ``remedy`` is empty when all is well."""

    what: str
    detail: str
    remedy: str = ""

    @property
    def ok(self) -> bool:
        """Tell whether nothing needs doing."""
        return not self.remedy


def examine(data_dir: Path) -> list[Finding]:
    """Look at everything the embedded stack needs."""
    looks: tuple[tuple[str, Callable[[], Finding]], ...] = (
        ("platform", _platform),
        ("python", _python),
        ("java", _java),
        ("jars", _jars),
        ("triton", lambda: _present("triton", triton.server_folder())),
        ("libpython", _libpython),
        ("postgres", lambda: _postgres(data_dir)),
        ("seaweedfs", lambda: _present("seaweedfs", seaweedfs.program())),
        ("memory", _memory),
        ("/dev/shm", _shared_memory),
        ("disk", lambda: _disk(data_dir)),
        ("ports", lambda: _ports(data_dir)),
    )
    findings = []
    for what, look in looks:
        try:
            findings.append(look())
        except SightlineError as error:
            problem, _, remedy = str(error).partition("; ")
            findings.append(Finding(what, problem, remedy or "see the message"))
        except OSError as error:
            findings.append(Finding(what, str(error), "let this user read it"))
    return findings


def _present(what: str, path: Path) -> Finding:
    return Finding(what, str(path))


def _platform() -> Finding:
    name, version = platform.libc_ver()
    detail = f"{platform.system()} {platform.machine()}, {name} {version}"
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return Finding("platform", detail, "use a Linux x86-64 machine")
    digits = tuple(int(piece) for piece in version.split(".")[:2] if piece.isdigit())
    if name == "glibc" and digits < _GLIBC:
        return Finding("platform", detail, "use Debian 12, Ubuntu 22.04 or newer (glibc 2.35)")
    return Finding("platform", detail)


def _python() -> Finding:
    detail = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info[:2] != (3, 11):
        return Finding(
            "python", detail, "run `make setup` with Python 3.11 (apt-get install python3.11-venv)"
        )
    return Finding("python", detail)


def _java() -> Finding:
    java = find_java()
    done = subprocess.run([java.program, "-version"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return Finding("java", f"{java.program} does not run: {done.stderr[:200]}", "make setup")
    return Finding("java", f"{java.version} at {java.program}")


def _jars() -> Finding:
    jvm = install.locate()
    if not install.is_installed(jvm):
        return Finding("jars", f"not installed in {jvm.folder.parent}", "sightline setup-parts")
    return Finding("jars", str(jvm.folder))


def _libpython() -> Finding:
    folder = triton.find_libpython()
    return Finding("libpython", str(folder / triton.LIBPYTHON))


def _postgres(data_dir: Path) -> Finding:
    uid = postgres.other_uid()
    programs = postgres.binaries(uid)
    shown = subprocess.run(
        [programs / "postgres", "--version"], capture_output=True, text=True, check=False, user=uid
    )
    if shown.returncode != 0:
        return Finding("postgres", f"{programs} does not run: {shown.stderr[:200]}", "make setup")
    who = f", as uid {uid}" if uid is not None else ""
    where = (
        ""
        if uid is None or postgres.reachable(data_dir, uid)
        else f", data in {postgres.OPEN_HOME}"
    )
    return Finding("postgres", f"{shown.stdout.split()[-1]} at {programs}{who}{where}")


def _memory() -> Finding:
    free = psutil.virtual_memory().available
    detail = f"{free / 1024**3:.1f} GiB available"
    if free < MEMORY_BYTES:
        return Finding("memory", detail, "end other programs: the whole stack needs about 3 GiB")
    return Finding("memory", detail)


def _shared_memory() -> Finding:
    free = shutil.disk_usage("/dev/shm").free
    detail = f"{free >> 20} MiB free"
    if free < SHARED_MEMORY_BYTES:
        return Finding("/dev/shm", detail, "enlarge it (docker run --shm-size=256m)")
    return Finding("/dev/shm", detail)


def _disk(data_dir: Path) -> Finding:
    paths.check_disk(data_dir)
    existing = next(path for path in (data_dir, *data_dir.parents) if path.exists())
    if not os.access(existing, os.W_OK):
        raise Fatal(f"{existing} cannot be written; choose another place with --data-dir")
    return Finding("disk", f"{shutil.disk_usage(existing).free >> 30} GiB free under {data_dir}")


def _ports(data_dir: Path) -> Finding:
    record = read_record(data_dir)
    if record is not None and record.supervised():
        return Finding("ports", f"a stack runs under {data_dir}")
    block = PortBlock(record.port_base if record else 0, record.ports if record else {}, {})
    block.release()
    return Finding("ports", f"free from {block.base} on")
