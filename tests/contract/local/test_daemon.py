"""The supervisor as a process: background start, status, orderly stop, and kill -9."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from infra.local import daemon
from infra.local.overview import overview
from infra.local.process import Identity, alive, session_of, wait_gone
from infra.local.stack import Stack, StackConfig
from infra.local.state import StackRecord, read_record
from schemas.errors import Fatal

PARTS = frozenset({"postgres", "seaweedfs", "triton", "mongo"})


@pytest.fixture
def config() -> Iterator[StackConfig]:
    folder = Path(tempfile.mkdtemp(prefix="sightline-daemon-"))
    folder.chmod(0o755)
    yield StackConfig(data_dir=folder, parts=PARTS)
    daemon.stop_running(folder)
    daemon.end_left_overs(folder)
    shutil.rmtree(folder)


def quiet(_name: str, _state: str, _seconds: float) -> None:
    """Report nothing."""


def leaders(record: StackRecord) -> list[Identity]:
    return [part.identity for part in record.parts.values() if part.identity is not None]


def test_it_starts_in_the_background_and_stops_when_asked(config: StackConfig) -> None:
    record = daemon.detach(config, quiet)
    seen = overview(config.data_dir)
    assert seen is not None
    assert {row.name: row.state for row in seen[1]} == dict.fromkeys(PARTS, "ready")
    assert all(row.memory_bytes and row.pid and row.ports for row in seen[1])
    with pytest.raises(Fatal, match="already running"):
        daemon.detach(config, quiet)
    assert daemon.stop_running(config.data_dir)
    assert not alive(record.supervisor)
    assert not [leader for leader in leaders(record) if session_of(leader.pid)]
    assert not daemon.stop_running(config.data_dir)


def test_after_a_kill_the_next_start_ends_the_orphans_and_keeps_the_data(
    config: StackConfig,
) -> None:
    first = daemon.detach(config, quiet)
    with psycopg.connect(Stack.attach(config.data_dir).postgres_dsn) as connection:
        connection.execute("create table kept as select 7 as number")
    os.kill(first.supervisor_pid, signal.SIGKILL)
    assert wait_gone(first.supervisor, 5.0)
    orphans = leaders(first)
    assert len(orphans) == len(PARTS) and all(alive(orphan) for orphan in orphans)
    with pytest.raises(Fatal, match="no stack is running"):
        Stack.attach(config.data_dir)

    second = daemon.detach(config, quiet)
    assert not any(alive(orphan) for orphan in orphans)
    assert second.ports == first.ports
    with psycopg.connect(Stack.attach(config.data_dir).postgres_dsn) as connection:
        assert connection.execute("select number from kept").fetchone() == (7,)

    os.kill(second.supervisor_pid, signal.SIGKILL)
    assert wait_gone(second.supervisor, 5.0)
    assert set(daemon.end_left_overs(config.data_dir)) == PARTS
    assert not [leader for leader in leaders(second) if session_of(leader.pid)]


def test_a_start_that_fails_leaves_nothing_and_says_why(config: StackConfig) -> None:
    (config.data_dir / "mongo").write_text("a file where a folder must be")
    with pytest.raises(Fatal, match=r"mongo could not be started: .*File exists"):
        daemon.detach(config, quiet)
    record = read_record(config.data_dir)
    assert record is not None and record.phase == "failed" and "mongo" in record.message
    assert not [leader for leader in leaders(record) if session_of(leader.pid)]
