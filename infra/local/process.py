"""Child processes that are known by pid and start time, so that no stranger is ever signalled.

A child starts behind a gate: a shell that waits for one line on its standard input. The line is
written once the child's identity has been recorded, so a supervisor that is killed in between
leaves nothing behind: the gate reads the end of the file and exits.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MARKER = "SIGHTLINE_STACK"
_GATE = 'read -r go && exec "$@" </dev/null'
_POLL_S = 0.05


@dataclass(frozen=True)
class Identity:
    """A process for ever: its pid and its start time in clock ticks since boot."""

    pid: int
    start: int


@dataclass(frozen=True)
class ProcessStat:
    """The fields of ``/proc/PID/stat`` that matter here."""

    state: str
    session: int
    start: int


def read_stat(text: str) -> ProcessStat:
    """Parse one ``/proc/PID/stat`` line; the command name may hold spaces and parentheses.

    >>> read_stat("7 (a) b) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4321 0")
    ProcessStat(state='S', session=7, start=4321)
    """
    fields = text.rpartition(")")[2].split()
    return ProcessStat(state=fields[0], session=int(fields[3]), start=int(fields[19]))


def stat_of(pid: int) -> ProcessStat | None:
    """Return the process's stat, or None when there is no such process."""
    try:
        return read_stat(Path(f"/proc/{pid}/stat").read_text())
    except (OSError, IndexError):
        return None


def identify(pid: int) -> Identity | None:
    """Return the identity of a running process, or None."""
    stat = stat_of(pid)
    return Identity(pid, stat.start) if stat else None


def alive(identity: Identity) -> bool:
    """Tell whether that very process still runs (a zombie does not)."""
    stat = stat_of(identity.pid)
    return stat is not None and stat.start == identity.start and stat.state not in "ZX"


def session_of(leader: int) -> list[Identity]:
    """Return the processes of the session that ``leader`` opened, the leader included."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            stat = stat_of(int(entry.name))
            if stat and stat.session == leader and stat.state not in "ZX":
                found.append(Identity(int(entry.name), stat.start))
    return found


def carries_marker(pid: int, marker: str) -> bool:
    """Tell whether the process was started by the stack whose id is ``marker``."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return f"{MARKER}={marker}".encode() in environment.split(b"\0")


def send(identity: Identity, signum: int) -> bool:
    """Signal that very process; False when it is gone."""
    if not alive(identity):
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(identity.pid, signum)
        return True
    return False


def wait_gone(identity: Identity, within_s: float) -> bool:
    """Wait until the process has ended; False if it is still there after ``within_s``."""
    deadline = time.monotonic() + within_s
    while alive(identity):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_S)
    return True


def end(
    leader: Identity,
    marker: str,
    *,
    stop_signal: int = signal.SIGTERM,
    grace_s: float = 10.0,
) -> None:
    """End a leader and its session: the stop signal to the leader, then SIGKILL to what is left.

    Waits for all of them: a killed process lives on until the kernel gets to it.
    A session whose leader has already gone is ended only as far as its processes carry ``marker``,
    because the kernel could have given the leader's number to somebody else.
    """
    if alive(leader):
        members = session_of(leader.pid)
        send(leader, stop_signal)
        wait_gone(leader, grace_s)
    else:
        members = [m for m in session_of(leader.pid) if carries_marker(m.pid, marker)]
    killed = {leader, *members}
    for member in killed:
        send(member, signal.SIGKILL)
    late = {m for m in session_of(leader.pid) if carries_marker(m.pid, marker)}
    for member in late:
        send(member, signal.SIGKILL)
    for member in killed | late:
        wait_gone(member, 5.0)


class Child:
    """A child of this process, in a session of its own, held at the gate until released."""

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        log: Path,
        *,
        cwd: Path | None = None,
        uid: int | None = None,
    ) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _GATE, "gate", *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
                user=uid,
                group=uid,
                extra_groups=[] if uid is not None else None,
            )
        stat = stat_of(self._process.pid)
        self.identity = Identity(self._process.pid, stat.start if stat else 0)

    def release(self) -> None:
        """Let the command run; call it once the identity is on disk."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(b"go\n")
            self._process.stdin.close()

    def exit_status(self) -> int | None:
        """Return the exit status (negative: the signal), or None while it runs."""
        return self._process.poll()

    def wait(self, within_s: float) -> bool:
        """Wait for the exit; False if it still runs after ``within_s``."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(within_s)
            return True
        return False
