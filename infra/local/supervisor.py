"""Starts the parts in the order of their needs, keeps them alive, stops them in reverse."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from infra.local.part import Part
from infra.local.process import alive, end
from infra.local.runner import Runner
from infra.local.state import StateStore
from schemas.errors import Fatal

Progress = Callable[[str, str, float], None]
_POLL_S = 0.05


def end_orphans(store: StateStore) -> list[str]:
    """End what a killed supervisor left running; return the names of the parts ended."""
    if store.previous_boot:
        return []
    ended = []
    for name, part in reversed(store.record.parts.items()):
        if part.identity is not None:
            if alive(part.identity):
                ended.append(name)
            end(part.identity, store.record.stack_id, grace_s=3.0)
    return ended


class Supervisor:
    """All parts of one stack. Methods may be called from any thread, but not two at once."""

    def __init__(self, store: StateStore, logs_dir: Path, env: Mapping[str, str]) -> None:
        self._store = store
        self._logs_dir = logs_dir
        self._env = dict(env)
        self._runners: dict[str, Runner] = {}

    def start_all(self, parts: Sequence[Part], progress: Progress) -> None:
        """Start parts, each as soon as what it needs is ready; Fatal when one does not start."""
        waiting = list(parts)
        began = time.monotonic()
        started: dict[str, float] = {}
        ready: set[str] = set()
        while waiting or started:
            for name in list(started):
                runner = self._runners[name]
                if runner.state == "failed":
                    raise Fatal(runner.message)
                if runner.state == "ready":
                    ready.add(name)
                    progress(name, "ready", time.monotonic() - started.pop(name))
            for part in [p for p in waiting if all(self._is_ready(need) for need in p.needs)]:
                waiting.remove(part)
                started[part.name] = time.monotonic()
                progress(part.name, "starting", time.monotonic() - began)
                self._launch(part)
            if waiting and not started:
                missing = {need for part in waiting for need in part.needs} - ready
                raise Fatal(f"nothing to start for {', '.join(sorted(missing))}")
            time.sleep(_POLL_S)

    def add(self, part: Part) -> None:
        """Start one more part and wait until it is ready. Raises Fatal when it does not start."""
        self._launch(part).wait_ready()

    def runner(self, name: str) -> Runner:
        """Return the runner of a part; Fatal for a name that is not there."""
        if name not in self._runners:
            known = ", ".join(sorted(self._runners)) or "none"
            raise Fatal(f"there is no part {name} in this stack; there is {known}")
        return self._runners[name]

    def stop_all(self) -> None:
        """Stop every part, each after those that need it; returns when all have ended."""
        left = {name: r for name, r in self._runners.items() if r.state != "stopped"}
        while left:
            needed = {need for runner in left.values() for need in runner.part.needs}
            batch = {name: runner for name, runner in left.items() if name not in needed} or left
            threads = [threading.Thread(target=runner.stop) for runner in batch.values()]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            left = {name: runner for name, runner in left.items() if name not in batch}
        self._runners.clear()

    def _is_ready(self, name: str) -> bool:
        return name in self._runners and self._runners[name].state == "ready"

    def _launch(self, part: Part) -> Runner:
        existing = self._runners.get(part.name)
        if existing is not None and existing.state not in ("stopped", "failed"):
            raise Fatal(f"{part.name} is already running; stop it first")
        runner = Runner(part, self._store, self._logs_dir, self._env)
        self._runners[part.name] = runner
        runner.start()
        return runner
