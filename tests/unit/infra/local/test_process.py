"""A process is known by pid and start time; a gate keeps an unrecorded child from running."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from infra.local.process import (
    MARKER,
    Child,
    Identity,
    alive,
    carries_marker,
    end,
    identify,
    read_stat,
    send,
    session_of,
    wait_gone,
)

ENV = {**os.environ, MARKER: "m1"}


def child_of(tmp_path: Path, *command: str) -> Child:
    child = Child(command, ENV, tmp_path / "log")
    child.release()
    return child


def test_stat_of_a_name_with_spaces_and_parentheses() -> None:
    stat = read_stat("12 (a b) (c)) R 1 12 9 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 777 0 0")
    assert (stat.state, stat.session, stat.start) == ("R", 9, 777)


def test_a_reused_pid_is_a_stranger() -> None:
    own = identify(os.getpid())
    assert own is not None and alive(own)
    stranger = Identity(own.pid, own.start - 1)
    assert not alive(stranger)
    assert not send(stranger, signal.SIGKILL)
    end(stranger, "no-such-stack", grace_s=0.1)
    assert alive(own)


def test_an_unreleased_child_runs_nothing_and_ends_with_its_parent(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from infra.local.process import Child\n"
        f"child = Child(['touch', {str(touched)!r}], dict(os.environ), Path(os.devnull))\n"
        "print(child.identity.pid, child.identity.start, flush=True)\n"
        "os._exit(9)\n"
    )
    import sys

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    pid, start = map(int, done.stdout.split())
    assert wait_gone(Identity(pid, start), 5.0)
    assert not touched.exists()


def test_a_child_leads_its_session_and_ends_with_all_of_it(tmp_path: Path) -> None:
    child = child_of(tmp_path, "/bin/sh", "-c", "sleep 60 & sleep 60")
    while len(session_of(child.identity.pid)) < 3:
        time.sleep(0.02)
    assert carries_marker(child.identity.pid, "m1")
    end(child.identity, "m1", grace_s=2.0)
    child.wait(2.0)
    assert session_of(child.identity.pid) == []


def test_one_that_ignores_the_stop_signal_is_killed(tmp_path: Path) -> None:
    child = child_of(tmp_path, "/bin/sh", "-c", "trap '' TERM; while :; do sleep 0.1; done")
    time.sleep(0.2)
    end(child.identity, "m1", grace_s=0.3)
    assert child.wait(2.0)
    assert child.exit_status() == -signal.SIGKILL


def test_what_a_dead_leader_left_is_ended_only_if_it_is_ours(tmp_path: Path) -> None:
    child = child_of(tmp_path, "/bin/sh", "-c", "sleep 60 & exit 3")
    child.wait(5.0)
    left = session_of(child.identity.pid)
    assert len(left) == 1
    end(child.identity, "somebody-else", grace_s=0.1)
    assert session_of(child.identity.pid) == left
    end(child.identity, "m1", grace_s=0.1)
    assert session_of(child.identity.pid) == []


def test_output_goes_to_the_log(tmp_path: Path) -> None:
    child = child_of(tmp_path, "/bin/sh", "-c", "echo out; echo err >&2; exit 3")
    assert child.wait(5.0) and child.exit_status() == 3
    assert (tmp_path / "log").read_text() == "out\nerr\n"
