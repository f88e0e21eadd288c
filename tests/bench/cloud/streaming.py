"""From an event in Kafka to a thousand clients of one process that stream it.

Beside the clients a plain Kafka consumer reads the same events, and one client stands alone: what
the thousand cost is the ratio to them. Each client follows everything of one organisation, which is
the most that an event can cost. Clients run in processes of their own, on the same machine.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import psutil
from confluent_kafka import Consumer, TopicPartition

from infra.runtime.kafka import RecordProducer
from infra.runtime.settings import Settings
from schemas.codec import decode_as
from schemas.records import Event
from schemas.topics import PARTITIONS
from tests.access_helpers import account, give_site
from tests.bench.cloud.house import process, stores
from tests.bench.printing import at_share, machine, table
from tests.fixtures import ROOT

CLIENTS, PROCESSES = 1000, 2
OF_A_KEY = 50
SITE, TOPIC = "bench-site", "up.events"
SETTLE_S = 3.0


@dataclass(frozen=True, slots=True)
class Load:
    """How events are written: so many at once, so often."""

    name: str
    at_once: int
    every_s: float
    times: int


LOADS = (
    Load("6 a second", 1, 1 / 6, 240),
    Load("30 a second", 1, 1 / 30, 600),
    Load("100 at once", 100, 5.0, 6),
)
"""1,000 cameras with 5 million events a month write 6 records a second."""


class Writer:
    """Writes numbered events and keeps when."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = RecordProducer(bootstrap, "bench", linger_ms=0)
        self._number = 0

    def write(self, load: Load) -> dict[int, float]:
        """Write the events of a load; return the time before each write, by number."""
        written: dict[int, float] = {}
        next_s = time.monotonic()
        for _ in range(load.times):
            for _ in range(load.at_once):
                event = bench_event(self._number)
                written[self._number] = time.monotonic()
                self._producer.send(TOPIC, event, key=event.event_id)
                self._number += 1
            self._producer.poll()
            next_s += load.every_s
            time.sleep(max(0.0, next_s - time.monotonic()))
        self._producer.flush()
        return written


class PlainConsumer:
    """Reads the events as any Kafka client would, and keeps when."""

    def __init__(self, bootstrap: str) -> None:
        self.heard: list[tuple[int, float]] = []
        self._kafka = Consumer({"bootstrap.servers": bootstrap, "group.id": "bench"})
        places = [TopicPartition(TOPIC, partition) for partition in range(PARTITIONS)]
        for place in places:
            place.offset = self._kafka.get_watermark_offsets(place, timeout=10)[1]
        self._kafka.assign(places)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        self._kafka.close()

    def _read(self) -> None:
        while not self._stopping.is_set():
            message = self._kafka.poll(0.1)
            if message is not None and message.error() is None:
                event = decode_as(Event, message.value())
                self.heard.append((int(event.event_id.removeprefix("bench-")), time.monotonic()))


@contextmanager
def clients(
    settings: Settings, keys: Sequence[str], count: int
) -> Iterator[list[tuple[int, float]]]:
    """Run so many clients during the block; the list is filled with what they heard at its end."""
    heard: list[tuple[int, float]] = []
    running = []
    host, _, port = settings.listen.partition(":")
    for number in range(min(PROCESSES, count)):
        share = count // PROCESSES + (number < count % PROCESSES)
        mine = keys[number::PROCESSES] if count > 1 else keys[:1]
        running.append(
            subprocess.Popen(
                [sys.executable, "-m", "tests.bench.cloud.stream_clients", host, port, str(share)],
                cwd=ROOT,
                env={**os.environ, "BENCH_KEYS": " ".join(mine)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        )
    try:
        for one in running:
            assert one.stdout is not None
            if one.stdout.readline() != b"open\n":
                sys.exit("the clients were not let in: see above")
        yield heard
        for one in running:
            output, _ = one.communicate(b"\n")
            heard.extend(pickle.loads(output))
    finally:
        for one in running:
            one.kill()
            one.wait()


def measure(settings: Settings, server: psutil.Process) -> None:
    """Print delays and memory for one client and for all."""
    owner = account(settings.postgres_dsn)
    give_site(settings.postgres_dsn, SITE, owner.organisation_id)
    people = [account(settings.postgres_dsn, slug=owner.slug) for _ in range(CLIENTS // OF_A_KEY)]
    keys = [person.key["Authorization"].removeprefix("Bearer ") for person in people]
    writer = Writer(settings.cloud_kafka)
    rows = []
    memory: dict[int, int] = {}
    for count in (1, CLIENTS):
        for load in LOADS:
            with (
                PlainConsumer(settings.cloud_kafka) as beside,
                clients(settings, keys, count) as heard,
            ):
                time.sleep(SETTLE_S)
                memory[count] = server.memory_full_info().uss
                busy_s, began_s = sum(server.cpu_times()[:2]), time.monotonic()
                written = writer.write(load)
                busy = (sum(server.cpu_times()[:2]) - busy_s) / (time.monotonic() - began_s)
                time.sleep(SETTLE_S)
            rows.append(_row(count, load, written, heard, beside.heard, busy))
    table(_HEADERS, rows)
    each = (memory[CLIENTS] - memory[1]) / (CLIENTS - 1)
    print(
        f"memory: {memory[1] / 2**20:.0f} MiB with one client, {each / 2**10:.0f} KiB for each more"
    )


_HEADERS = (
    "clients, events",
    "heard",
    "p50 ms",
    "p99 ms",
    "last client p50",
    "p99",
    "p99 / Kafka consumer",
    "server cores",
)


def _row(
    count: int,
    load: Load,
    written: dict[int, float],
    heard: list[tuple[int, float]],
    beside: list[tuple[int, float]],
    busy: float,
) -> tuple[str, ...]:
    delays = [at - written[number] for number, at in heard]
    last: dict[int, float] = {}
    for number, at in heard:
        last[number] = max(last.get(number, 0.0), at)
    lasts = [at - written[number] for number, at in last.items()]
    plain = [at - written[number] for number, at in beside if number in written]
    share = len(delays) / (count * len(written))
    return (
        f"{count}, {load.name}",
        f"{share:.1%}",
        *(f"{1000 * at_share(delays, share):.0f}" for share in (0.5, 0.99)),
        *(f"{1000 * at_share(lasts, share):.0f}" for share in (0.5, 0.99)),
        f"{at_share(lasts, 0.99) / at_share(plain, 0.99):.1f}",
        f"{busy:.2f}",
    )


def bench_event(number: int) -> Event:
    """Return an event of usual size whose id tells its number."""
    return Event(
        event_id=f"bench-{number:06d}",
        site=SITE,
        rule="gate-crossed",
        camera=f"camera-{number % 50}",
        sensor="line",
        state="opened",
        revision=1,
        severity="alert",
        mode="live",
        group_key="track",
        at=int(time.time() * 1000),
        opened_at=int(time.time() * 1000),
        triggers=1,
        tracks='["camera-1-1790000000000-120-0"]',
        class_name="person",
        score=0.87,
        verdict="accepted",
        config_version=3,
        model="yolox",
        model_version="1",
        provenance='[{"candidate": "c", "sensor": "line", "score": 0.87}]' * 10,
    )


def main() -> None:
    """Start what is needed and measure."""
    print(f"{CLIENTS} clients in {PROCESSES} processes; {machine()}")
    with (
        stores("cloud-kafka", "postgres") as settings,
        process("realtime", settings, "/api/v1/events/stream") as server,
    ):
        measure(settings, server)
    print(machine())


if __name__ == "__main__":
    main()
