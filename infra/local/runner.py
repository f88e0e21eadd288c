"""Keeps one part alive: start, ask until ready, watch, start again with back-off, stop."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Literal

from infra.local import logs
from infra.local.part import Part
from infra.local.process import MARKER, Child, alive, end, send, wait_gone
from infra.local.state import StateStore
from schemas.errors import Fatal, SightlineError

State = Literal["pending", "starting", "ready", "waiting", "stopping", "stopped", "failed"]
_LOG = logging.getLogger(__name__)
_PROBE_EVERY_S = 0.15
_WATCH_EVERY_S = 2.0
_STEADY_S = 60.0
_KILL_WITHIN_S = 5.0
_BACKOFF_FIRST_S = 0.5
_BACKOFF_LAST_S = 30.0


def backoff_s(failures: int) -> float:
    """Seconds to wait before the next start after so many failures in a row.

    >>> [backoff_s(n) for n in (1, 2, 3, 10)]
    [0.5, 1.0, 2.0, 30.0]
    """
    return float(min(_BACKOFF_FIRST_S * 2 ** (failures - 1), _BACKOFF_LAST_S))


class Runner:
    """One part, its process and the thread that looks after it.

    The first start must succeed: when it does not, the runner ends in state ``failed`` with one
    line in ``message``. After that it starts the part again for as long as nobody stops it.
    """

    def __init__(
        self, part: Part, store: StateStore, logs_dir: Path, env: Mapping[str, str]
    ) -> None:
        self.part = part
        self.state: State = "pending"
        self.message = ""
        self._store = store
        self._log = logs_dir / f"{part.name}.log"
        self._env = {**env, **part.env, MARKER: store.record.stack_id}
        self._child: Child | None = None
        self._stopping = threading.Event()
        self._settled = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"part-{part.name}", daemon=True)

    def start(self) -> None:
        """Begin to look after the part; returns at once."""
        self._set("starting")
        self._thread.start()

    def wait_ready(self, within_s: float | None = None) -> None:
        """Wait for the first start to succeed. Raises Fatal when it does not."""
        if not self._settled.wait(within_s):
            raise Fatal(f"{self.part.name} was not ready within {within_s:.0f} s; see {self._log}")
        if self.state == "failed":
            raise Fatal(self.message)

    def wait_state(self, state: State, within_s: float) -> None:
        """Wait until the part is in ``state``; Fatal if it is not after ``within_s``."""
        deadline = time.monotonic() + within_s
        while self.state != state or (state == "ready" and not self._runs()):
            if time.monotonic() > deadline:
                raise Fatal(
                    f"{self.part.name} is {self.state}, not {state}, after {within_s:.0f} s "
                    f"({self.message}); see {self._log}"
                )
            time.sleep(_PROBE_EVERY_S / 3)

    def stop(self) -> None:
        """Stop the part and wait for its end."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def kill(self, signum: int) -> bool:
        """Send a signal to the part's process; False when none runs. SIGKILL is waited for."""
        child = self._child
        if child is None or not send(child.identity, signum):
            return False
        if signum == signal.SIGKILL:
            wait_gone(child.identity, _KILL_WITHIN_S)
        return True

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            problem = self._one_life()
            if self._stopping.is_set():
                break
            self.message = problem
            if not self._settled.is_set():
                self._set("failed", message=problem)
                self._settled.set()
                return
            failures = 1 if time.monotonic() - began > _STEADY_S else failures + 1
            delay_s = backoff_s(failures)
            _LOG.warning("%s; starting it again in %.1f s", problem, delay_s)
            self._set("waiting", message=problem, restarts=self._restarts() + 1)
            self._stopping.wait(delay_s)
        self._set("stopped", pid=None, start=None)
        self._settled.set()

    def _one_life(self) -> str:
        """Run the part from its preparation to its end; return why it ended, in one line."""
        self._set("starting")
        try:
            self.part.prepare()
            logs.rotate(self._log)
            self._spawn()
            return self._follow() or self._obituary()
        except (SightlineError, OSError) as error:
            reason = logs.explain(str(error)) or str(error)
            return f"{self.part.name} could not be started: {reason}"
        finally:
            self._end()

    def _spawn(self) -> None:
        child = Child(self.part.command, self._env, self._log, cwd=self.part.cwd, uid=self.part.uid)
        self._child = child
        self._store.change_part(
            self.part.name,
            pid=child.identity.pid,
            start=child.identity.start,
            ports=dict(self.part.ports),
        )
        child.release()

    def _follow(self) -> str:
        """Watch the process until it ends or is to be stopped; '' unless it never got ready."""
        assert self._child is not None
        deadline = time.monotonic() + self.part.ready_within_s
        problem: Exception | None = None
        while self._child.exit_status() is None and not self._stopping.is_set():
            try:
                if self._made_ready():
                    break
                continue
            except Exception as error:  # noqa: BLE001 (whatever the client library raises)
                problem = error
            if time.monotonic() > deadline:
                return (
                    f"{self.part.name} was not ready within {self.part.ready_within_s:.0f} s "
                    f"({problem}); see {self._log}"
                )
            self._stopping.wait(_PROBE_EVERY_S)
        if self._child.exit_status() is None and not self._stopping.is_set():
            self._set("ready", message="")
            self._settled.set()
            self._watch()
        return ""

    def _made_ready(self) -> bool:
        """Ask whether the part is ready and do what is due then; False: its process has ended.

        What the process has started may outlive it and hold its connections open, and then a question
        would be waited for until its time is over.
        """
        assert self._child is not None
        done: Future[None] = Future()

        def ask() -> None:
            try:
                self.part.probe()
                self.part.on_ready()
            except Exception as error:  # noqa: BLE001 (whatever the client library raises)
                done.set_exception(error)
            else:
                done.set_result(None)

        threading.Thread(target=ask, name=f"ask-{self.part.name}", daemon=True).start()
        while self._child.exit_status() is None and not self._stopping.is_set():
            if wait([done], _PROBE_EVERY_S).done:
                done.result()
                return True
        return False

    def _watch(self) -> None:
        assert self._child is not None
        watched = time.monotonic()
        while self._child.exit_status() is None and not self._stopping.wait(_PROBE_EVERY_S):
            if time.monotonic() - watched >= _WATCH_EVERY_S:
                watched = time.monotonic()
                try:
                    logs.rotate(self._log)
                    self.part.watch()
                except Exception as error:  # noqa: BLE001 (whatever the client library raises)
                    _LOG.info("watching %s: %s", self.part.name, error)

    def _obituary(self) -> str:
        assert self._child is not None
        status = self._child.exit_status()
        tail = logs.tail(self._log)
        reason = logs.explain(tail) or self.part.explain(tail)
        if reason:
            return f"{self.part.name}: {reason}"
        how = f"was ended by signal {-status}" if status and status < 0 else f"exited with {status}"
        return f"{self.part.name} {how}; its last words are in {self._log}"

    def _end(self) -> None:
        child = self._child
        if child is None:
            return
        if self._stopping.is_set():
            self._set("stopping")
        end(
            child.identity,
            self._store.record.stack_id,
            stop_signal=self.part.stop_signal,
            grace_s=self.part.stop_grace_s,
        )
        child.wait(5.0)
        self._child = None

    def _runs(self) -> bool:
        child = self._child
        return child is not None and alive(child.identity)

    def _restarts(self) -> int:
        return self._store.record.parts[self.part.name].restarts

    def _set(self, state: State, **fields: object) -> None:
        self.state = state
        try:
            self._store.change_part(self.part.name, state=state, **fields)
        except OSError as error:
            _LOG.error("cannot write the run file: %s", error)
