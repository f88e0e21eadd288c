"""The whole stack of one data directory: start it, ask it, disturb it, stop it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from infra.local import service
from infra.local.blueprint import NAMES, build_parts, closure, make_endpoints
from infra.local.install import install
from infra.local.jvm import Jvm
from infra.local.part import Part
from infra.local.paths import check_disk, data_home, make_folder
from infra.local.ports import PortBlock
from infra.local.process import identify
from infra.local.state import Endpoints, StackRecord, StateStore, boot_id, read_record
from infra.local.supervisor import Progress, Supervisor, end_orphans
from schemas.errors import Fatal

_IGNORED_ENVIRONMENT = ("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH")


@dataclass(frozen=True)
class StackConfig:
    """What to start and where.

    ``parts`` is None for all of ``blueprint.NAMES``; what the named ones need is added.
    ``model_repository`` is Triton's model folder (default ``data_dir/models``) and ``models`` those
    loaded at the start. ``ports`` fixes ports by name, such as ``{"postgres.sql": 5432}``.
    ``java`` is a Java program to use instead of the one found.
    """

    data_dir: Path = field(default_factory=data_home)
    parts: frozenset[str] | None = None
    model_repository: Path | None = None
    models: tuple[str, ...] = ()
    ports: Mapping[str, int] = field(default_factory=dict)
    java: Path | None = None


class Stack:
    """The parts of one data directory as children of this process.

    One process at a time may run the stack of a data directory. Not for use by two threads at once.
    """

    def __init__(self, config: StackConfig, *, jvm: Jvm | None = None) -> None:
        self._config = config
        self._data = config.data_dir.absolute()
        self._jvm = jvm
        self._lock: IO[str] | None = None
        self._store: StateStore | None = None
        self._block: PortBlock | None = None
        self._supervisor: Supervisor | None = None
        self._parts: dict[str, Part] = {}

    @staticmethod
    def attach(data_dir: Path) -> Endpoints:
        """Return the endpoints of the stack that runs on ``data_dir``; Fatal if none does."""
        record = read_record(data_dir.absolute())
        if record is None or not record.supervised() or record.endpoints is None:
            raise Fatal(f"no stack is running under {data_dir}; start one with `sightline up`")
        if record.phase != "ready":
            raise Fatal(f"the stack under {data_dir} is {record.phase}; see `sightline status`")
        return record.endpoints

    @property
    def data_dir(self) -> Path:
        """The folder that everything of this stack lies under."""
        return self._data

    @property
    def endpoints(self) -> Endpoints:
        """Where the parts listen; Fatal before the start."""
        record = self._running_store().record
        assert record.endpoints is not None
        return record.endpoints

    def start(
        self, progress: Progress | None = None, then: Callable[[], None] | None = None
    ) -> None:
        """Install what is missing, end the orphans of a killed run, start every part.

        Returns once each part has answered and ``then``, which may start more, has returned; only
        then others see the stack as ready. Raises Fatal with one line, everything stopped again.
        ``progress`` is called with a name, what it does, and the seconds that took.
        """
        report = progress or (lambda _name, _state, _seconds: None)
        if self._supervisor is not None:
            raise Fatal("this stack has been started already")
        names = closure(self._config.parts or frozenset(NAMES))
        make_folder(self._data)
        check_disk(self._data)
        self._acquire()
        try:
            self._start(names, report)
            if then is not None:
                then()
            self._running_store().change(lambda record: setattr(record, "phase", "ready"))
        except BaseException as error:
            interrupted = isinstance(error, KeyboardInterrupt)
            self._shut_down(
                "stopped" if interrupted else "failed", "" if interrupted else str(error)
            )
            if isinstance(error, OSError):
                raise Fatal(f"the stack under {self._data} cannot start: {error}") from error
            raise

    def start_service(
        self,
        name: str,
        args: Sequence[str],
        env: Mapping[str, str] | None = None,
        *,
        port: int | None = None,
        ready_within_s: float = 60.0,
    ) -> None:
        """Run ``sightline ARGS...`` as a part and wait until ``/healthz`` on ``port`` answers.

        Without ``port`` a free one is chosen (``service_port``). Raises Fatal.
        """
        health = port or self.service_port(name)
        part = service.service_part(name, args, env or {}, health, ready_within_s=ready_within_s)
        self._running().add(part)
        self._parts[name] = part

    def start_services(
        self, specs: Sequence[service.ServiceSpec], progress: Progress | None = None
    ) -> None:
        """Run several of our processes side by side and wait until each is healthy.

        Raises Fatal when one does not start; the others then go on running.
        """
        parts = [
            service.service_part(
                spec.name, spec.args, spec.env, self.service_port(spec.name), needs=spec.needs
            )
            for spec in specs
        ]
        self._running().start_all(parts, progress or (lambda _name, _state, _seconds: None))
        self._parts.update({part.name: part for part in parts})

    def service_port(self, name: str) -> int:
        """Return the port kept for a service's health and metrics; the same at every start."""
        if self._block is None:
            raise Fatal("the stack is not running; start it first")
        port = self._block.port(f"{name}.health")
        kept = dict(self._block.ports)
        self._running_store().change(lambda record: record.ports.update(kept))
        return port

    def kill(self, name: str, sig: int = signal.SIGKILL) -> None:
        """Send a signal to one part, as a fault would; it is then started again."""
        if not self._running().runner(name).kill(sig):
            raise Fatal(f"{name} has no process to signal")

    def stop_part(self, name: str) -> None:
        """Stop one part and leave it stopped."""
        self._running().runner(name).stop()

    def start_part(self, name: str) -> None:
        """Start a stopped part and wait until it is ready. Raises Fatal when it does not start."""
        if name not in self._parts:
            self._running().runner(name)
        self._running().add(self._parts[name])

    def wait_part(self, name: str, within_s: float = 60.0) -> None:
        """Wait until a part is ready again, after a ``kill`` for instance. Raises Fatal."""
        self._running().runner(name).wait_state("ready", within_s)

    def record(self) -> StackRecord:
        """Return the run file as it is now."""
        return self._running_store().record

    def stop(self) -> None:
        """Stop every part in the reverse order of needs. Safe to call twice."""
        self._shut_down("stopped", "")

    def _start(self, names: frozenset[str], report: Progress) -> None:
        store = self._store = StateStore(self._data)
        for name in end_orphans(store):
            report(name, "ended a left-over of a killed run", 0.0)
        own = identify(os.getpid())
        assert own is not None

        def begin(record: StackRecord) -> None:
            record.boot = boot_id()
            record.supervisor_pid, record.supervisor_start = own.pid, own.start
            record.phase, record.message = "starting", ""
            record.parts = {}

        store.change(begin)
        jvm = self._jvm or install(report, self._config.java)
        block = self._block = PortBlock(
            store.record.port_base, store.record.ports, self._config.ports
        )
        endpoints = make_endpoints(block, store)

        def settle(record: StackRecord) -> None:
            record.port_base, record.ports = block.base, dict(block.ports)
            record.endpoints = endpoints

        store.change(settle)
        repository = (self._config.model_repository or self._data / "models").absolute()
        parts = build_parts(names, self._data, block, store, jvm, repository, self._config.models)
        self._parts = {part.name: part for part in parts}
        inherited = {k: v for k, v in os.environ.items() if k not in _IGNORED_ENVIRONMENT}
        logs_dir = make_folder(self._data / "logs")
        self._supervisor = Supervisor(store, logs_dir, inherited)
        self._supervisor.start_all(parts, report)

    def _acquire(self) -> None:
        try:
            lock = (self._data / "lock").open("a")
        except OSError as error:
            raise Fatal(
                f"cannot write in {self._data}: {error.strerror}; choose another with --data-dir"
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            record = read_record(self._data)
            who = f" (process {record.supervisor_pid})" if record else ""
            raise Fatal(
                f"a stack is already running under {self._data}{who}; stop it with "
                "`sightline down`, or use another --data-dir"
            ) from None
        self._lock = lock

    def _shut_down(self, phase: str, message: str) -> None:
        if self._supervisor is not None:
            if self._store is not None:
                with contextlib.suppress(OSError):
                    self._store.change(lambda record: setattr(record, "phase", "stopping"))
            self._supervisor.stop_all()
            self._supervisor = None
        if self._store is not None and self._lock is not None:

            def finish(record: StackRecord) -> None:
                record.phase, record.message = phase, message

            with contextlib.suppress(OSError):
                self._store.change(finish)
        if self._block is not None:
            self._block.release()
            self._block = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _running(self) -> Supervisor:
        if self._supervisor is None:
            raise Fatal("the stack is not running; start it first")
        return self._supervisor

    def _running_store(self) -> StateStore:
        if self._store is None:
            raise Fatal("the stack is not running; start it first")
        return self._store
