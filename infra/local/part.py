"""What the supervisor must know about one part."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

READY_WITHIN_S = 90.0


def _nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Part:
    """One child process, and how to prepare, question and stop it.

    ``prepare`` runs before each start and must be repeatable. ``probe`` asks the part itself and
    raises any exception while it is not ready. ``on_ready`` runs after each start, ``watch`` every
    few seconds while the part is ready; what they raise is logged and tried again.
    ``explain`` may turn the end of the log into one line for a person.
    """

    name: str
    command: tuple[str, ...]
    probe: Callable[[], None]
    env: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    uid: int | None = None
    cwd: Path | None = None
    prepare: Callable[[], None] = _nothing
    on_ready: Callable[[], None] = _nothing
    watch: Callable[[], None] = _nothing
    explain: Callable[[str], str | None] = lambda _log: None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_grace_s: float = 10.0
    ready_within_s: float = READY_WITHIN_S
