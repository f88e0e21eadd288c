from __future__ import annotations

import subprocess
import sys

from infra.local.overview import memory_of

SIZE = 64 << 20
CHILD = f"held = b'x' * {SIZE}; print('ready', flush=True); input()"
LEADER = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {CHILD!r}], start_new_session=True)
"""


def test_memory_counts_children_with_sessions_of_their_own() -> None:
    """As Postgres's do."""
    leader = subprocess.Popen(
        [sys.executable, "-c", LEADER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert leader.stdout is not None and leader.stdout.readline() == "ready\n"
        assert (memory_of(leader.pid) or 0) > SIZE
    finally:
        leader.communicate("go\n", timeout=60)


def test_a_process_that_is_gone_holds_nothing() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""], start_new_session=True)
    gone.wait()
    assert memory_of(gone.pid) == 0
