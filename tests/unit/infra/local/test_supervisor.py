"""Parts start in the order of their needs, come back when they die, and stop in reverse."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.local.part import Part
from infra.local.process import session_of
from infra.local.runner import backoff_s
from infra.local.state import StateStore
from infra.local.supervisor import Supervisor, end_orphans
from schemas.errors import Fatal

Make = Callable[..., Part]


@pytest.fixture
def store(tmp_path: Path) -> StateStore:
    return StateStore(tmp_path)


@pytest.fixture
def supervisor(tmp_path: Path, store: StateStore) -> Iterator[Supervisor]:
    running = Supervisor(store, tmp_path, os.environ)
    yield running
    running.stop_all()


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def part(name: str, script: str = "", **fields: object) -> Part:
        up = tmp_path / f"{name}.up"
        up.unlink(missing_ok=True)
        body = script or f"echo {name} >> {tmp_path}/order; touch {up}; exec sleep 60"

        def probe() -> None:
            up.stat()

        return Part(name, ("/bin/sh", "-c", body), probe, **fields)  # type: ignore[arg-type]

    return part


def until(look: Callable[[], bool], within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_backoff_doubles_up_to_half_a_minute() -> None:
    assert [backoff_s(n) for n in range(1, 9)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_needs_come_first_and_progress_is_told(
    supervisor: Supervisor, make: Make, tmp_path: Path
) -> None:
    told: list[tuple[str, str]] = []
    parts = [make("c", needs=("b",)), make("b", needs=("a",)), make("a")]
    supervisor.start_all(parts, lambda name, state, _seconds: told.append((name, state)))
    assert (tmp_path / "order").read_text().split() == ["a", "b", "c"]
    assert told == [(n, s) for n in "abc" for s in ("starting", "ready")]


def test_what_dies_is_started_again(supervisor: Supervisor, make: Make, store: StateStore) -> None:
    supervisor.add(make("a"))
    before = store.record.parts["a"].pid
    assert supervisor.runner("a").kill(signal.SIGKILL)
    supervisor.runner("a").wait_state("ready", 10)
    assert store.record.parts["a"].pid != before
    assert store.record.parts["a"].restarts == 1


def test_what_dies_before_it_has_answered_is_started_again_at_once(
    supervisor: Supervisor, make: Make, store: StateStore
) -> None:
    never, asked = threading.Event(), threading.Event()
    calls: list[int] = []

    def on_ready() -> None:
        calls.append(1)
        if len(calls) == 2:
            asked.set()
            never.wait(60)

    supervisor.add(make("a", on_ready=on_ready))
    supervisor.runner("a").kill(signal.SIGKILL)
    assert asked.wait(10)
    before = store.record.parts["a"].pid
    supervisor.runner("a").kill(signal.SIGKILL)
    supervisor.runner("a").wait_state("ready", 10)
    assert store.record.parts["a"].pid != before
    never.set()


def test_a_part_that_dies_at_its_first_start_is_one_clear_error(
    supervisor: Supervisor, make: Make
) -> None:
    with pytest.raises(Fatal, match=r"^a: the disk is full; free some space"):
        supervisor.start_all(
            [make("a", "echo 'x: No space left on device'; exit 1")], lambda *_: None
        )
    with pytest.raises(Fatal, match=r"^b exited with 3; its last words are in .*b\.log$"):
        supervisor.add(make("b", "exit 3"))


def test_a_part_that_never_answers_is_ended(
    supervisor: Supervisor, make: Make, store: StateStore
) -> None:
    with pytest.raises(Fatal, match=r"a was not ready within 0 s .*No such file"):
        supervisor.add(make("a", "exec sleep 60", ready_within_s=0.3))
    pid = store.record.parts["a"].pid
    assert pid is None or session_of(pid) == []


def test_preparation_that_fails_is_told(supervisor: Supervisor, make: Make) -> None:
    def prepare() -> None:
        raise Fatal("no room for data; make some")

    with pytest.raises(Fatal, match="a could not be started: no room for data"):
        supervisor.add(make("a", prepare=prepare))


def test_a_missing_need_is_an_error(supervisor: Supervisor, make: Make) -> None:
    with pytest.raises(Fatal, match="nothing to start for b"):
        supervisor.start_all([make("a", needs=("b",))], lambda *_: None)


def test_stopping_ends_those_that_need_a_part_before_it(
    supervisor: Supervisor, make: Make, tmp_path: Path, store: StateStore
) -> None:
    def script(name: str) -> str:
        end = f"trap 'echo {name} >> {tmp_path}/ends; exit 0' TERM"
        return f"{end}; touch {tmp_path}/{name}.up; while :; do sleep 0.05; done"

    parts = [make("a", script("a")), make("b", script("b"), needs=("a",))]
    supervisor.start_all(parts, lambda *_: None)
    supervisor.stop_all()
    assert (tmp_path / "ends").read_text().split() == ["b", "a"]
    assert {part.state for part in store.record.parts.values()} == {"stopped"}


def test_watching_goes_on_although_it_fails(supervisor: Supervisor, make: Make) -> None:
    calls: list[int] = []

    def watch() -> None:
        calls.append(1)
        raise ValueError("not today")

    supervisor.add(make("a", watch=watch))
    until(lambda: len(calls) >= 2)
    assert supervisor.runner("a").state == "ready"


def test_orphans_of_a_killed_supervisor_are_ended(tmp_path: Path) -> None:
    code = f"""
import os
from pathlib import Path
from infra.local.part import Part
from infra.local.state import StateStore
from infra.local.supervisor import Supervisor
folder = Path({str(tmp_path)!r})
part = Part("a", ("/bin/sh", "-c", "sleep 60 & exec sleep 60"), lambda: None)
store = StateStore(folder)
Supervisor(store, folder, os.environ).add(part)
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", code], check=False)
    store = StateStore(tmp_path)
    pid = store.record.parts["a"].pid
    assert pid is not None and session_of(pid)
    assert end_orphans(store) == ["a"]
    assert session_of(pid) == []
    assert end_orphans(store) == []
