"""A Kafka, a Triton and detect in a process of its own: frames go in, and it is seen when and how
they come out, by the broker's clock on both sides, and what processor time everyone used."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from confluent_kafka import KafkaError, Producer

from infra.local.stack import Stack, StackConfig
from infra.runtime.kafka import RecordConsumer, RecordProducer, create_topics
from infra.runtime.settings import Settings
from schemas.codec import decode_as, encode
from schemas.records import AppliedConfig, Detections, Frame
from schemas.topics import site_topics
from streams.inference.cards import included_card
from streams.inference.client import TritonClient
from streams.inference.repository import install, load
from tests.bench.product import new_folder
from tests.fixtures import ROOT

SITE = "bench"
STEP_MS = 200
"""Between two frames of a camera, by the camera's own clock."""
PARTS = ("detect", "triton", "edge-kafka", "bench")
_COMMAND = """
import os, sys
from infra.runtime.service import Service
from infra.runtime.settings import Settings
from streams.inference.detect import run_detect
sys.exit(Service("detect", Settings.from_environment(os.environ)).run(run_detect))
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of one frame."""

    camera: str
    outcome: str
    partition: int
    offset: int
    out_at: int
    """When the broker had the reading, UTC ms."""


@dataclass
class Rig:
    """The running parts."""

    kafka: str
    triton: str
    repository: Path
    pids: Mapping[str, int]
    client: TritonClient
    version: int = 0
    sent_at: dict[tuple[int, int], int] = field(default_factory=dict)
    """When the broker had each frame, UTC ms, by partition and offset."""

    def configure(self, cameras: Sequence[str], model: str) -> None:
        """Have these cameras looked at by a model, from the next frame on."""
        self.version += 1
        self.sent_at.clear()
        lines = "".join(f"\n  {name}: {{source: a.mp4, model: {model}}}" for name in cameras)
        body = f"version: 1\nsite: {SITE}\ncameras:{lines}\n"
        applied = AppliedConfig(
            config_version=self.version,
            site=SITE,
            document="site",
            body=body,
            sha256="",
            accepted_at=0,
        )
        producer = RecordProducer(self.kafka, "bench")
        producer.send("config", applied, key=str(self.version))
        producer.flush()

    def feed(self, frames: Iterable[tuple[float, Frame]]) -> None:
        """Send frames, each so many seconds after the start, and note when the broker had them."""
        producer = Producer(
            {
                "bootstrap.servers": self.kafka,
                "enable.idempotence": True,
                "partitioner": "murmur2_random",
                "linger.ms": 0,
                "queue.buffering.max.kbytes": 256 * 1024,
                "message.max.bytes": 1 << 20,
            }
        )

        def delivered(error: KafkaError | None, message: Any) -> None:
            if error is None:
                self.sent_at[message.partition(), message.offset()] = message.timestamp()[1]

        began_s = time.monotonic()
        for at_s, one in frames:
            time.sleep(max(0.0, began_s + at_s - time.monotonic()))
            while True:
                try:
                    producer.produce("frames", encode(one), one.camera, on_delivery=delivered)
                    break
                except BufferError:
                    producer.poll(0.1)
            producer.poll(0)
        producer.flush()

    def spent(self, detect_pid: int) -> dict[str, float]:
        """Return the processor seconds that each of ``PARTS`` has used."""
        return {
            name: _cpu_s(pid)
            for name, pid in {**self.pids, "detect": detect_pid, "bench": os.getpid()}.items()
        }


def frame(camera: str, seq: int, jpeg: bytes, *, epoch_at: int, keep: bool) -> Frame:
    """Return a frame of an epoch; the configuration has the epoch's number."""
    return Frame(
        site=SITE,
        camera=camera,
        epoch_at=epoch_at,
        seq=seq,
        captured_at=epoch_at + STEP_MS * seq,
        config_version=epoch_at,
        width=480,
        height=360,
        source_width=480,
        source_height=360,
        jpeg=jpeg,
        keep=keep,
    )


def _cpu_s(pid: int) -> float:
    """Return what a process has used, with its children except where it is this one."""
    one = psutil.Process(pid)
    children = [] if pid == os.getpid() else one.children(recursive=True)
    times = [each.cpu_times() for each in (one, *children)]
    return sum(each.user + each.system for each in times)


@contextmanager
def rig(models: Mapping[str, Path | None]) -> Iterator[Rig]:
    """Run a Kafka, and a Triton with these models."""
    with new_folder() as folder:
        stack = Stack(StackConfig(data_dir=folder, parts=frozenset({"edge-kafka", "triton"})))
        stack.start()
        try:
            ends = stack.endpoints
            create_topics(ends.edge_kafka, site_topics(SITE))
            client = TritonClient(ends.triton_grpc)
            for name, weights in models.items():
                version = install(folder / "models", name, weights, included_card(name))
                load(client, folder / "models", name, version)
            pids = {}
            for name in ("triton", "edge-kafka"):
                identity = stack.record().parts[name].identity
                assert identity is not None
                pids[name] = identity.pid
            yield Rig(ends.edge_kafka, ends.triton_grpc, folder / "models", pids, client)
            client.close()
        finally:
            stack.stop()


@contextmanager
def detecting(bench: Rig) -> Iterator[int]:
    """Run detect; give its process id."""
    settings = Settings(site=SITE, edge_kafka=bench.kafka, triton_grpc=bench.triton)
    environment = {**os.environ, **settings.environment(), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", _COMMAND],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


class Watch:
    """Reads what comes out from now on, until as many frames have as are wanted."""

    def __init__(self, bench: Rig) -> None:
        self._out = RecordConsumer(
            bench.kafka, f"bench-{time.time_ns()}", ["detections"], from_latest=True
        )
        while not self._out.assigned():
            self._out.read(1, 0.1)
        self._out.read(1, 1.0)
        self._found: dict[tuple[int, int], Seen] = {}
        self.began = threading.Event()

    @property
    def seen(self) -> list[Seen]:
        """What became of each frame so far; of one that was told twice, the first word."""
        return list(self._found.values())

    def until(self, frames: int, patience_s: float = 60.0) -> list[Seen]:
        """Return what became of so many frames; fewer when nothing comes for too long."""
        quiet_since_s = time.monotonic()
        while len(self._found) < frames and time.monotonic() - quiet_since_s < patience_s:
            for message in self._out.read(500, 0.1):
                quiet_since_s = time.monotonic()
                record = decode_as(Detections, message.value)
                for one in record.readings:
                    place = record.partition, one.offset
                    seen = Seen(one.camera, one.outcome, *place, message.arrived_at)
                    self._found.setdefault(place, seen)
                self.began.set()
        self._out.close()
        return self.seen
