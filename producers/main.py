"""The process ``capture``: the site's cameras, as the configuration in force names them."""

from __future__ import annotations

import os
import time

import cv2

from infra.runtime.configs import ConfigStore
from infra.runtime.kafka import RecordProducer
from infra.runtime.metrics import DROPPED
from infra.runtime.service import Service
from producers.recording import Recordings
from producers.supervise import Supervisor
from producers.writer import Clocks
from schemas.errors import Rejected, Retryable

BEAT_EVERY_S = 1.0
FAILED_FOR_S = 60.0
"""So long after a loss the process does not call itself healthy."""
_LAST_FLUSH_S = 5.0


def run_capture(service: Service) -> None:
    """Capture all cameras of the site until the service is stopped.

    Raises:
        Fatal: a setting or a topic is missing.
    """
    bootstrap = service.settings.need("edge_kafka")
    # Each camera has its own thread; OpenCV's would only fight with them for the cores.
    cv2.setNumThreads(1)
    producer = RecordProducer(bootstrap, f"capture-{service.settings.worker}")
    deliveries = _Deliveries(service, producer)
    service.checks["delivery"] = deliveries.problem
    configs = ConfigStore(bootstrap)
    clocks = Clocks()
    supervisor = Supervisor(producer, bootstrap, os.environ, clocks)
    recordings = Recordings(bootstrap, service.settings.recording_gib, clocks.host_at)
    follower = _Follower(service, configs, supervisor, recordings)
    due_s = time.monotonic()
    try:
        while not service.stopping.wait(max(0.0, due_s - time.monotonic())):
            due_s = max(due_s + BEAT_EVERY_S, time.monotonic())
            follower.turn()
            supervisor.beat()
            deliveries.turn()
            recordings.turn()
    finally:
        supervisor.stop()
        configs.close()
        producer.flush(_LAST_FLUSH_S)


class _Deliveries:
    """Notices what Kafka did not take; it is lost, and said to be."""

    def __init__(self, service: Service, producer: RecordProducer) -> None:
        self._log = service.log
        self._producer = producer
        self._failed_s: float | None = None

    def turn(self) -> None:
        """Serve delivery reports and count what was lost."""
        self._producer.poll()
        failures = self._producer.failures()
        if failures:
            self._failed_s = time.monotonic()
            DROPPED.labels("record", "not-delivered").inc(len(failures))
            self._log.error("records were lost", count=len(failures), reason=failures[0])

    def problem(self) -> str | None:
        """Return what is wrong with the way to Kafka."""
        if self._failed_s is None or time.monotonic() - self._failed_s > FAILED_FOR_S:
            return None
        return "Kafka does not take records: look at the broker and its disk"


class _Follower:
    """Applies each new version of the configuration once."""

    def __init__(
        self,
        service: Service,
        configs: ConfigStore,
        supervisor: Supervisor,
        recordings: Recordings,
    ) -> None:
        self._log = service.log
        self._configs = configs
        self._supervisor = supervisor
        self._recordings = recordings
        self._applied = 0
        self._told = ""

    def turn(self) -> None:
        """Apply the configuration in force if it is new; one that cannot be read changes nothing."""
        try:
            latest = self._configs.latest(wait_s=0)
            if latest.version != self._applied:
                self._recordings.apply(latest.site)
                self._supervisor.apply(latest.version, latest.site)
                self._applied = latest.version
        except (Rejected, Retryable) as error:
            if str(error) != self._told:
                self._told = str(error)
                self._log.warning("no new configuration", reason=str(error))
