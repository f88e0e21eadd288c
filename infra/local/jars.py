"""The pinned jars: read from ``requirements/jars-*.txt``, fetched by name, checked by hash.

Maven fetches them where it is installed, else jgo. Neither resolves anything: the lists are flat
and complete, because a resolver would choose other versions.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from schemas.errors import Fatal

_LINE = re.compile(r"([\w.-]+):([\w.-]+):([\w.-]+) sha256:([0-9a-f]{64})")
_THREADS = 8
Counted = Callable[[int, int], None]


@dataclass(frozen=True, order=True)
class Jar:
    """One pinned jar."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The name Maven gives its file."""
        return f"{self.artifact}-{self.version}.jar"

    def __str__(self) -> str:
        """Return the Maven coordinate."""
        return f"{self.group}:{self.artifact}:{self.version}"


def read_list(path: Path) -> list[Jar]:
    """Read one list of ``group:artifact:version sha256:HEX`` lines; ``#`` begins a comment."""
    jars = []
    for line in path.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            found = _LINE.fullmatch(line.strip())
            if found is None:
                raise Fatal(f"{path}: not `group:artifact:version sha256:HEX`: {line}")
            jars.append(Jar(*found.groups()))
    return jars


def _matches(path: Path, jar: Jar) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == jar.sha256


def fetch(jars: Iterable[Jar], pool: Path, counted: Counted) -> None:
    """Bring the jars that ``pool`` lacks into it; Fatal when one cannot be had or is not the one.

    ``counted`` is called with how many of how many jars are there.
    """
    wanted = sorted(set(jars))
    pool.mkdir(parents=True, exist_ok=True)
    missing = [jar for jar in wanted if not (pool / jar.file_name).exists()]
    counted(len(wanted) - len(missing), len(wanted))
    if not missing:
        return
    problem = ""
    with tempfile.TemporaryDirectory(dir=pool, prefix=".fetch-") as name:
        folder = Path(name)
        if shutil.which("mvn"):
            problem = _by_maven(missing, folder)
        missing = _take(missing, folder, pool)
        if missing:
            counted(len(wanted) - len(missing), len(wanted))
            problem = _by_jgo(missing, folder, lambda n: counted(len(wanted) - n, len(wanted)))
            missing = _take(missing, folder, pool)
    if missing:
        raise Fatal(
            f"{len(missing)} jars could not be fetched (first: {missing[0]}; {problem}); "
            "check the network or the proxy settings and run `sightline setup-parts` again"
        )
    counted(len(wanted), len(wanted))


def _take(jars: list[Jar], folder: Path, pool: Path) -> list[Jar]:
    """Move the jars that arrived and are the right ones into the pool; return the others."""
    left = []
    for jar in jars:
        if _matches(folder / jar.file_name, jar):
            os.replace(folder / jar.file_name, pool / jar.file_name)
        else:
            left.append(jar)
    return left


def _by_maven(jars: list[Jar], folder: Path) -> str:
    """Let Maven copy the jars into ``folder``; return what went wrong, '' if nothing."""
    items = "".join(
        f"<artifactItem><groupId>{escape(jar.group)}</groupId>"
        f"<artifactId>{escape(jar.artifact)}</artifactId>"
        f"<version>{escape(jar.version)}</version></artifactItem>"
        for jar in jars
    )
    pom = folder / "pom.xml"
    pom.write_text(
        "<project><modelVersion>4.0.0</modelVersion><groupId>sightline</groupId>"
        "<artifactId>parts</artifactId><version>1</version><packaging>pom</packaging>"
        "<build><plugins><plugin><artifactId>maven-dependency-plugin</artifactId>"
        f"<configuration><artifactItems>{items}</artifactItems>"
        f"<outputDirectory>{escape(str(folder))}</outputDirectory></configuration>"
        "</plugin></plugins></build></project>"
    )
    try:
        done = subprocess.run(
            ["mvn", "-B", "-q", "-f", pom, "dependency:copy"],
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return ""
    errors = [line for line in done.stdout.splitlines() if "ERROR" in line]
    return (errors or ["mvn failed"])[0][:300]


def _by_jgo(jars: list[Jar], folder: Path, left: Callable[[int], None]) -> str:
    """Let jgo download the jars into ``folder``; return what went wrong first, '' if nothing."""
    from jgo.maven import MavenContext

    context = MavenContext(repo_cache=folder / "cache", timeout=60)
    problems: list[str] = []
    done = 0

    def get(jar: Jar) -> None:
        try:
            component = context.project(jar.group, jar.artifact).at_version(jar.version)
            shutil.move(component.artifact().resolve(), folder / jar.file_name)
        except Exception as error:  # noqa: BLE001 (jgo lets every library's errors through)
            problems.append(f"{type(error).__name__}: {error}"[:300])

    executor = ThreadPoolExecutor(_THREADS)
    try:
        for _ in executor.map(get, jars):
            done += 1
            left(len(jars) - done)
    finally:
        executor.shutdown(cancel_futures=True)
    return problems[0] if problems else ""
