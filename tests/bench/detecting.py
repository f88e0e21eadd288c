"""A Kafka, a Triton and detect in a process of its own: frames go in, and it is seen when and how
they come out, by the broker's clock on both sides."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from infra.local.stack import Stack, StackConfig
from infra.runtime.kafka import RecordConsumer, RecordProducer, create_topics
from infra.runtime.settings import Settings
from schemas.codec import decode_as
from schemas.records import AppliedConfig, Detections, Frame
from schemas.topics import site_topics
from streams.inference.cards import included_card
from streams.inference.client import TritonClient
from streams.inference.repository import install, load
from tests.bench.product import new_folder
from tests.fixtures import ROOT

SITE = "bench"
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
    sent_at: int
    """UTC ms, when the broker had the frame."""
    out_at: int
    """When it had the reading."""


@dataclass
class Rig:
    """The running parts."""

    kafka: str
    triton: str
    repository: Path
    triton_pid: int
    client: TritonClient
    version: int = 0
    sent: Counter[str] = field(default_factory=Counter)

    def configure(self, cameras: Sequence[str], model: str) -> None:
        """Have these cameras looked at by a model, from the next frame on."""
        self.version += 1
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

    def frame(self, camera: str, jpeg: bytes, *, keep: bool) -> Frame:
        """Return a camera's next frame, captured now."""
        self.sent[camera] += 1
        return Frame(
            site=SITE,
            camera=camera,
            epoch_at=1,
            seq=self.sent[camera],
            captured_at=1 + 200 * self.sent[camera],
            config_version=self.version,
            width=480,
            height=360,
            source_width=480,
            source_height=360,
            jpeg=jpeg,
            keep=keep,
        )

    def feed(self, rates: Mapping[str, float], jpegs: Sequence[bytes], seconds: float) -> None:
        """Send each camera's frames at its rate, frames a second, as they would be captured."""
        producer = RecordProducer(self.kafka, "bench", linger_ms=0)
        due = sorted(
            (number / rate, camera)
            for camera, rate in rates.items()
            for number in range(int(seconds * rate))
        )
        began_s = time.monotonic()
        for at_s, camera in due:
            time.sleep(max(0.0, began_s + at_s - time.monotonic()))
            jpeg = jpegs[self.sent[camera] % len(jpegs)]
            producer.send("frames", self.frame(camera, jpeg, keep=False), key=camera)
            producer.poll()
        producer.flush()

    def cpu_s(self, *pids: int) -> float:
        """Return the processor seconds that Triton and these processes have used."""
        total = 0.0
        for pid in (self.triton_pid, *pids):
            one = psutil.Process(pid)
            times = [each.cpu_times() for each in (one, *one.children(recursive=True))]
            total += sum(each.user + each.system for each in times)
        return total


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
            identity = stack.record().parts["triton"].identity
            assert identity is not None
            yield Rig(ends.edge_kafka, ends.triton_grpc, folder / "models", identity.pid, client)
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
        self._bench = bench
        name = f"bench-{time.time_ns()}"
        self._out = RecordConsumer(bench.kafka, name, ["detections"], from_latest=True)
        self._in = RecordConsumer(bench.kafka, f"{name}-in", ["frames"], from_latest=True)
        for consumer in (self._out, self._in):
            while not consumer.assigned():
                consumer.read(1, 0.1)
            consumer.read(1, 1.0)
        self._sent_at: dict[tuple[int, int], int] = {}
        self.seen: list[Seen] = []
        self.began = threading.Event()

    def until(self, frames: int, patience_s: float = 300.0) -> list[Seen]:
        """Return what became of so many frames; fewer when nothing comes for too long."""
        quiet_since_s = time.monotonic()
        while len(self.seen) < frames and time.monotonic() - quiet_since_s < patience_s:
            for message in self._in.read(500, 0.0):
                self._sent_at[message.partition, message.offset] = message.arrived_at
            for message in self._out.read(500, 0.05):
                quiet_since_s = time.monotonic()
                self.began.set()
                record = decode_as(Detections, message.value)
                for one in record.readings:
                    sent_at = self._sent_at.get((record.partition, one.offset), 0)
                    self.seen.append(Seen(one.camera, one.outcome, sent_at, message.arrived_at))
        self._out.close()
        self._in.close()
        return self.seen
