"""The four stages as they run at a site: one worker process on a real broker, seen from outside."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from confluent_kafka import Consumer, KafkaException, TopicPartition

from infra.local.stack import Stack, StackConfig
from infra.runtime.kafka import RecordProducer, create_topics
from infra.runtime.settings import Settings
from schemas.records import AppliedConfig
from schemas.site import digest
from schemas.topics import STAGES, site_topics
from streams.apps.stages import all_stages
from tests.bench.product import new_folder
from tests.bench.rules_cameras import SITE_NAME, Message, site_yaml
from tests.fixtures import ROOT

LIMIT_S = 600.0
_LOOK_S = 0.2


@dataclass(frozen=True)
class Spent:
    """What the worker has used so far."""

    at: float
    """Of a clock that only counts."""
    cpu_s: float
    """Processor time of all its threads."""
    memory: int
    """Bytes it has to itself."""


class Chain:
    """One worker with all four stages, and the broker that it reads from and writes to."""

    def __init__(
        self, bootstrap: str, folder: Path, cameras: int, command: Sequence[str] = ()
    ) -> None:
        self.bootstrap = bootstrap
        create_topics(bootstrap, site_topics(SITE_NAME))
        self._producer = RecordProducer(bootstrap, "bench", linger_ms=0)
        self._apply(site_yaml(cameras))
        settings = Settings(
            site=SITE_NAME, edge_kafka=bootstrap, data_dir=str(folder), log_format="console"
        )
        self._log = (folder / "worker.log").open("w")
        self.process = subprocess.Popen(
            command or [sys.executable, "-m", "infra.cli.main", "run", "streams"],
            cwd=ROOT,
            env={**os.environ, **settings.environment()},
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self._watched = psutil.Process(self.process.pid)
        self._observers = {name: _observer(bootstrap, name) for name in STAGES}

    def write(self, messages: Iterable[Message]) -> None:
        """Write messages of ``detections``, and wait for the broker."""
        for partition, value in messages:
            self._producer.send_raw("detections", value, partition=partition)
        self._producer.flush()

    def drain(self) -> None:
        """Wait until every stage has acknowledged all its input."""
        deadline = time.monotonic() + LIMIT_S
        # In the order of the flow: what a stage has acknowledged stands before the next one.
        while any(self._is_behind(stage) for stage in STAGES):
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"the worker ended or hangs: {Path(self._log.name).read_text()[-4000:]}")
            time.sleep(_LOOK_S)

    def waiting(self, stage: str) -> int:
        """Return how many messages a stage has not acknowledged yet."""
        observer = self._observers[stage]
        found = 0
        for topic in all_stages()[stage].sources:
            described = observer.list_topics(topic, timeout=10).topics[topic]
            places = [TopicPartition(topic, partition) for partition in described.partitions]
            for place in observer.committed(places, timeout=10):
                low, high = observer.get_watermark_offsets(place, timeout=10)
                found += max(0, high - max(place.offset, low))
        return found

    def _is_behind(self, stage: str) -> bool:
        try:
            return self.waiting(stage) > 0
        except KafkaException:
            # A fresh broker's coordinator is still loading.
            return True

    def spent(self) -> Spent:
        """Return what the worker has used so far."""
        times = self._watched.cpu_times()
        memory = self._watched.memory_full_info().uss
        return Spent(time.monotonic(), times.user + times.system, memory)

    def close(self) -> None:
        """Stop the worker."""
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for observer in self._observers.values():
            observer.close()
        self._log.close()

    def _apply(self, text: str) -> None:
        applied = AppliedConfig(
            config_version=1,
            site=SITE_NAME,
            document="site",
            body=text,
            sha256=digest(text),
            accepted_at=1,
        )
        self._producer.send("config", applied, key="1")
        self._producer.flush()


@contextmanager
def chain(cameras: int, command: Sequence[str] = ()) -> Iterator[Chain]:
    """Give a fresh broker and worker for a site of so many cameras; stop both at the end."""
    with new_folder() as folder:
        stack = Stack(StackConfig(data_dir=folder, parts=frozenset({"edge-kafka"})))
        stack.start()
        try:
            running = Chain(stack.endpoints.edge_kafka, folder, cameras, command)
            try:
                yield running
            finally:
                running.close()
        finally:
            stack.stop()


def _observer(bootstrap: str, stage: str) -> Consumer:
    # Never subscribes, so it is no member of the group: it only asks for its offsets.
    return Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"sightline.{stage}",
            "enable.auto.commit": False,
        }
    )
