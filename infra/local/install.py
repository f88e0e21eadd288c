"""Installs the JVM parts once for all stacks: jars, our Java, class data archives.

A folder's name holds a hash of all that went into it and it appears by one rename, so a folder
that is there is whole, and a change of any input makes a new one. A lock keeps two installers from
doing the work twice.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local import jars, paths
from infra.local.java import Java, find_java
from infra.local.jvm import KAFKA, MONGO_SERVER, PLUGINS, Jvm
from schemas.errors import Fatal

Progress = Callable[[str, str, float], None]
COMPILER = "compiler"
SETS = (KAFKA, *PLUGINS, MONGO_SERVER, COMPILER)
_SOURCES = paths.REPOSITORY / "connect"
_LISTS = paths.REPOSITORY / "requirements"


def runtime_folder(parts: Path) -> Path:
    """Return the folder that the present lists and sources are (or would be) installed in."""
    digest = hashlib.sha256()
    inputs = [_LISTS / f"jars-{name}.txt" for name in SETS]
    inputs += sorted(path for path in _SOURCES.rglob("*") if path.suffix == ".java")
    inputs += sorted(path for path in (_SOURCES / "manifests").rglob("*") if path.is_file())
    for path in inputs:
        digest.update(str(path.relative_to(paths.REPOSITORY)).encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    return parts / f"runtime-{digest.hexdigest()[:16]}"


def locate(asked_java: Path | None = None) -> Jvm:
    """Return the JVM parts of this checkout, installed or not; Fatal when there is no Java."""
    java = find_java(asked_java)
    folder = runtime_folder(paths.parts_home())
    return Jvm(java, folder, folder.with_name(f"{folder.name}-{java.label}"))


def is_installed(jvm: Jvm) -> bool:
    """Tell whether nothing is left to install."""
    return jvm.folder.is_dir() and jvm.archives.is_dir()


def install(progress: Progress, asked_java: Path | None = None) -> Jvm:
    """Install what is missing and return the JVM parts; Fatal says what could not be had."""
    jvm = locate(asked_java)
    if is_installed(jvm):
        return jvm
    parts = paths.make_folder(paths.parts_home())
    with _only_one(parts, progress):
        if not jvm.folder.is_dir():
            paths.check_disk(parts)
            _install_runtime(jvm.java, jvm.folder, parts, progress)
        if not jvm.archives.is_dir():
            from infra.local.archives import make_archives

            make_archives(jvm, progress)
    return jvm


@contextmanager
def _only_one(parts: Path, progress: Progress) -> Iterator[None]:
    with (parts / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("install", "waiting for another installer", 0.0)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def becoming(target: Path) -> Iterator[Path]:
    """Give a temporary folder that becomes ``target`` at the end, unless the block raises."""
    folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=".new-"))
    try:
        yield folder
        folder.chmod(0o755)
        os.rename(folder, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _install_runtime(java: Java, target: Path, parts: Path, progress: Progress) -> None:
    began = time.monotonic()
    lists = {name: jars.read_list(_LISTS / f"jars-{name}.txt") for name in SETS}
    pool = parts / "jars"

    def counted(there: int, wanted: int) -> None:
        progress("jars", f"{there}/{wanted}", time.monotonic() - began)

    jars.fetch((jar for names in lists.values() for jar in names), pool, counted)
    progress("jars", "ready", time.monotonic() - began)
    began = time.monotonic()
    progress("java", "compiling", 0.0)
    with becoming(target) as folder:
        for name, wanted in lists.items():
            place = folder / ("plugins" if name in PLUGINS else "") / name
            place.mkdir(parents=True)
            for jar in wanted:
                _link(pool / jar.file_name, place / jar.file_name)
        plugins = folder / "plugins"
        needs = [*plugins.glob("avro/*.jar"), *folder.glob(f"{KAFKA}/*.jar")]
        _jar(
            _compile(java, folder, _SOURCES / "converter", needs),
            _SOURCES / "manifests" / "converter",
            plugins / "avro" / "sightline-converter.jar",
        )
        _jar(
            _compile(java, folder, _SOURCES / "mongo_server", [*folder.glob("mongo-server/*.jar")]),
            None,
            folder / MONGO_SERVER / "sightline-mongo.jar",
        )
        _jar(
            None,
            _SOURCES / "manifests" / "mongo-sink",
            plugins / "mongo-sink" / "sightline-manifest.jar",
        )
        shutil.rmtree(folder / "classes")
    progress("java", "ready", time.monotonic() - began)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _compile(java: Java, folder: Path, sources: Path, class_path: list[Path]) -> Path:
    """Compile a source tree with the compiler that runs on a JRE; return the folder of classes."""
    classes = folder / "classes" / sources.name
    compiler = next((folder / COMPILER).glob("ecj-*.jar"))
    done = subprocess.run(
        [
            *(str(java.program), "-jar", str(compiler)),
            *("-source", "17", "-target", "17", "-proc:none", "-nowarn"),
            *("-cp", ":".join(map(str, class_path)), "-d", str(classes), str(sources)),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise Fatal(f"{sources} does not compile: {done.stderr.strip()[-600:]}")
    return classes


def _jar(classes: Path | None, resources: Path | None, target: Path) -> None:
    """Write a jar with a fixed time stamp in each entry."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for root in filter(None, (classes, resources)):
            for path in sorted(root.rglob("*")):
                if path.is_file():
                    archive.writestr(
                        zipfile.ZipInfo(str(path.relative_to(root))), path.read_bytes()
                    )
