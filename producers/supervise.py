"""All cameras of a site in one process: a thread each, started and stopped as configured."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from infra.runtime.kafka import RecordProducer
from producers.answers import Answers
from producers.capture import CameraCapture
from producers.opening import CameraTask
from producers.resuming import written_before
from producers.writer import CameraWriter, Clocks
from schemas.errors import Retryable
from schemas.site import Camera, SiteConfig

_DOWNSTREAM = frozenset({"models", "classes", "min_score", "ignore", "keep_h", "ground", "lost_s"})
"""Keys of a camera that capture does not read: a change of theirs interrupts nothing."""
_RETRY_S = 2.0
_FAULT_RETRY_S = 10.0
_STOP_S = 3.0


@dataclass
class _Running:
    definition: Mapping[str, Any]
    writer: CameraWriter
    capture: CameraCapture
    thread: threading.Thread


class Supervisor:
    """Keeps one thread for each configured camera; used by one thread.

    Args:
        producer: for all cameras.
        bootstrap: Kafka, to read back what was written before.
        environment: variables in which passwords are looked up.
        clocks: the host's.
    """

    def __init__(
        self,
        producer: RecordProducer,
        bootstrap: str,
        environment: Mapping[str, str],
        clocks: Clocks,
    ) -> None:
        self._producer = producer
        self._bootstrap = bootstrap
        self._environment = environment
        self._clocks = clocks
        self._answers: Answers | None = None
        self._running: dict[tuple[str, str], _Running] = {}
        self._log = structlog.get_logger("cameras")

    def apply(self, version: int, site: SiteConfig) -> None:
        """Start, stop and restart the cameras whose definition differs; the others go on.

        Raises:
            Retryable: Kafka does not answer; call again, what is done already is not done twice.
        """
        wanted = {(site.site, name): camera for name, camera in site.cameras.items()}
        for key in self._running.keys() - wanted.keys():
            self._remove(key)
        watched = {sensor.camera for sensor in site.sensors.values() if sensor.kind == "tamper"}
        for key, camera in wanted.items():
            known, tells_view = self._running.get(key), key[1] in watched
            if known is None or known.definition != definition_of(camera):
                self._start(CameraTask(*key, camera), version, known, tells_view)
            else:
                known.writer.follow(version, tells_view=tells_view)
        self._log.info("configuration", config_version=version, cameras=len(wanted))

    def beat(self) -> None:
        """Write the beats of this second."""
        for running in self._running.values():
            running.writer.beat()

    def stop(self) -> None:
        """Stop all cameras; one that still waits for its source is left to the process's end."""
        for running in self._running.values():
            running.capture.stopping.set()
        ends_at_ms = self._clocks.monotonic_ms() + round(1000 * _STOP_S)
        for running in self._running.values():
            left_ms = max(0, ends_at_ms - self._clocks.monotonic_ms())
            running.thread.join(left_ms / 1000)
            running.writer.tell("offline", "the capture process was stopped")
        if self._answers is not None:
            self._answers.close()

    def _start(
        self, task: CameraTask, version: int, old: _Running | None, tells_view: bool
    ) -> None:
        answers = self._follow_answers(task)
        if old is None:
            writer = CameraWriter(
                self._producer,
                site=task.site,
                name=task.name,
                config_version=version,
                clocks=self._clocks,
                tells_view=tells_view,
            )
        else:
            old.capture.stopping.set()
            writer = old.writer
            writer.follow(version, tells_view=tells_view)
        capture = CameraCapture(task, writer, self._environment, answers, self._clocks)
        thread = threading.Thread(
            target=self._run,
            args=(task, capture, writer, None if old is None else old.thread),
            name=f"camera {task.name}",
            daemon=True,
        )
        key = (task.site, task.name)
        self._running[key] = _Running(definition_of(task.camera), writer, capture, thread)
        thread.start()

    def _follow_answers(self, task: CameraTask) -> Answers | None:
        if task.camera.pace != "max":
            return None
        if self._answers is None:
            self._answers = Answers(self._bootstrap)
        self._answers.forget(task.name)
        return self._answers

    def _run(
        self,
        task: CameraTask,
        capture: CameraCapture,
        writer: CameraWriter,
        before: threading.Thread | None,
    ) -> None:
        """Live the life of one camera's thread: nothing that happens in it reaches another."""
        if before is not None:
            before.join()
        while not capture.stopping.is_set():
            try:
                if not writer.resumed:
                    at, revision = written_before(self._bootstrap, task.site, task.name)
                    writer.resume(at, revision, live=task.camera.source.live)
                capture.run()
                return
            except Retryable as error:
                self._log.warning("waiting for Kafka", camera=task.name, reason=str(error))
                capture.stopping.wait(_RETRY_S)
            except Exception as error:  # noqa: BLE001 (the edge of one camera's thread)
                self._log.exception("a fault in capture itself", camera=task.name)
                fault = f"a fault in capture itself ({type(error).__name__}): see its log"
                writer.tell("offline", fault)
                capture.stopping.wait(_FAULT_RETRY_S)

    def _remove(self, key: tuple[str, str]) -> None:
        running = self._running.pop(key)
        running.capture.stopping.set()
        # Its source may block for seconds, in which the others' beats must go on.
        threading.Thread(
            target=self._leave, args=(key[1], running), name=f"end of {key[1]}", daemon=True
        ).start()

    def _leave(self, name: str, running: _Running) -> None:
        running.thread.join()
        running.writer.leave("taken out of the configuration")
        if self._answers is not None and not any(name == other for _, other in self._running):
            self._answers.forget(name)


def definition_of(camera: Camera) -> dict[str, Any]:
    """Return what of a camera's configuration concerns capture."""
    return camera.model_dump(exclude=set(_DOWNSTREAM))
