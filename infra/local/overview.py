"""What runs and what it costs: one row per part, read from the run file and ``/proc``."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from infra.local.process import alive, session_of
from infra.local.state import PartRecord, StackRecord, read_record


@dataclass(frozen=True)
class Row:
    """One part; ``memory_bytes`` is the proportional share of all its processes."""

    name: str
    state: str
    pid: int | None
    ports: dict[str, int]
    memory_bytes: int | None
    uptime_s: float | None
    restarts: int
    message: str


def memory_of(leader: int) -> int | None:
    """Return the memory of a part's processes, shared pages shared out; None if unreadable."""
    total = 0
    for pid in _processes_of(leader):
        try:
            total += psutil.Process(pid).memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
        except psutil.Error:
            return None
    return total


def _processes_of(leader: int) -> set[int]:
    """Return the leader's session and its descendants: Postgres's open sessions of their own."""
    pids = {identity.pid for identity in session_of(leader)}
    with contextlib.suppress(psutil.NoSuchProcess):
        pids.update(child.pid for child in psutil.Process(leader).children(recursive=True))
    return pids


def rows_of(record: StackRecord, now: float) -> list[Row]:
    """Return one row per part; a part whose process has gone is ``dead`` whatever the file says."""
    supervised = record.supervised()
    return [_row(name, part, supervised, now) for name, part in record.parts.items()]


def overview(data_dir: Path) -> tuple[StackRecord, list[Row]] | None:
    """Return the run file and the rows of a data directory, None when nothing ever ran there."""
    record = read_record(data_dir)
    return None if record is None else (record, rows_of(record, time.time()))


def _row(name: str, part: PartRecord, supervised: bool, now: float) -> Row:
    identity = part.identity
    running = identity is not None and alive(identity)
    state = part.state
    if not running and state in ("ready", "starting", "stopping"):
        state = "dead"
    elif running and not supervised:
        state = "orphan"
    return Row(
        name=name,
        state=state,
        pid=identity.pid if identity is not None and running else None,
        ports=part.ports,
        memory_bytes=memory_of(identity.pid) if identity is not None and running else None,
        uptime_s=now - part.since if running and part.state == "ready" else None,
        restarts=part.restarts,
        message=part.message,
    )
