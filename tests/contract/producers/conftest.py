"""A real Kafka for these tests, and capture running on it."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from infra.local.stack import Stack, StackConfig
from infra.runtime.kafka import RecordProducer, create_topics, read_all
from infra.runtime.service import Service
from infra.runtime.settings import Settings
from producers.main import run_capture
from schemas.codec import decode
from schemas.errors import Retryable
from schemas.records import AppliedConfig, Record
from schemas.topics import site_topics

SITE = "depot"
R = TypeVar("R", bound=Record)


@dataclass
class Depot:
    """A site with nothing but its Kafka."""

    kafka: str
    producer: RecordProducer
    version: int = 0

    def apply(self, cameras: str) -> int:
        """Put a configuration with these cameras (YAML) in force; return its version."""
        self.version += 1
        applied = AppliedConfig(
            config_version=self.version,
            site=SITE,
            document="site",
            body=f"version: 1\nsite: {SITE}\ncameras:\n{cameras}",
            sha256="",
            accepted_at=0,
        )
        self.producer.send("config", applied, key=str(self.version))
        self.producer.flush()
        return self.version

    def read(self, kind: type[R], topic: str, name: str) -> list[R]:
        """Return what stands in a topic of one camera, in order."""
        records = (decode(message.value) for message in read_all(self.kafka, topic))
        return [
            one
            for one in records
            if isinstance(one, kind) and name == getattr(one, "camera", getattr(one, "name", ""))
        ]


@pytest.fixture(scope="session")
def depot() -> Iterator[Depot]:
    data_dir = Path(tempfile.mkdtemp(prefix="sightline-producers-"))
    stack = Stack(StackConfig(data_dir=data_dir, parts=frozenset({"edge-kafka"})))
    stack.start()
    try:
        bootstrap = stack.endpoints.edge_kafka
        create_topics(bootstrap, site_topics(SITE))
        for topic in ("frames", "video", "recording", "detections", "up.health", "config"):
            eventually(partial(_is_readable, bootstrap, topic))
        yield Depot(bootstrap, RecordProducer(bootstrap, "depot"))
    finally:
        stack.stop()
        shutil.rmtree(data_dir)


def _is_readable(bootstrap: str, topic: str) -> bool:
    return read_all(bootstrap, topic) == []


Start = Callable[[], Service]


@pytest.fixture
def start(depot: Depot) -> Iterator[Start]:
    """Starts a capture process in a thread; setting ``stopping`` ends it."""
    running: list[tuple[Service, threading.Thread]] = []

    def begin() -> Service:
        service = Service("capture", Settings(edge_kafka=depot.kafka, site=SITE))
        thread = threading.Thread(target=run_capture, args=(service,))
        thread.start()
        running.append((service, thread))
        return service

    yield begin
    for service, thread in running:
        service.stopping.set()
        thread.join(30)
        assert not thread.is_alive()


def eventually(check: Callable[[], bool], within_s: float = 30) -> None:
    """Wait until something holds; that Kafka chooses its leaders is waited for too."""
    ends_s = time.monotonic() + within_s
    while time.monotonic() < ends_s:
        with suppress(Retryable):
            if check():
                return
        time.sleep(0.2)
    raise AssertionError(f"it did not come about within {within_s:g} s")


@pytest.fixture(name="eventually")
def eventually_fixture() -> Callable[..., None]:
    return eventually
