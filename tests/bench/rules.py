"""How fast sensors and rules are: the core alone, and the four stages through Kafka and Faust.

Run with ``python -m tests.bench.rules [FRAMES]``.

The core on the PETS footage, tracker, three sensors and rules, beside ByteTrack, a LineZone and two
PolygonZones of supervision on the same boxes, in an environment that is made for them and removed.

Then the product's own worker process with all four stages on a real broker, seen from outside: from
``detections`` to ``up.events``, cameras with five objects in each frame. First with all of it waiting (so
many FRAMES, of 10, 100 and 1,000 cameras), then in real time: processor time of all the worker's
threads for a camera-frame, its memory, and the delay from a frame's arrival to the event it opened.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.runtime.kafka import read_all
from schemas.codec import decode
from schemas.records import Detections, Event
from schemas.site import parse
from tests.bench.core import BOXES, SITE, SIZE, Bench, footage
from tests.bench.core import FPS as FOOTAGE_FPS
from tests.bench.printing import at_share, machine, table
from tests.bench.product import new_folder
from tests.bench.rules_cameras import FPS, TICK_MS, Cameras
from tests.bench.rules_chain import Chain, chain
from tests.bench.tracker import environment
from tests.fixtures import ROOT

REFERENCES = ("supervision==0.26.*",)
ROUNDS = 5
FRAMES = 40_000
"""Camera-frames that wait for the worker."""
SITES = (10, 100, 1000)
"""Cameras."""
READINGS = 16
"""In a message of detections, at most: what detect puts there under load is up to 200."""
WARM_UP_PART = 3
REAL_TIME_S = 40
LEAST_EVENTS = 100


@dataclass(frozen=True)
class Load:
    """What a load took: of processor time for each camera-frame, of memory, of time."""

    us: float
    memory: int
    rate: float
    """Camera-frames a second of wall time."""


def core() -> tuple[float, float]:
    """Return the µs a frame of our sensing, and of all four stages, in memory."""
    bench = Bench(parse(SITE), footage())
    best = [float("inf")] * 2
    for _ in range(ROUNDS):
        for place, way in enumerate((bench.sense, bench.decide)):
            began = time.process_time()
            way()
            best[place] = min(best[place], time.process_time() - began)
    frames = len(footage())
    sensing, deciding = (1e6 * spent / frames for spent in best)
    return sensing, sensing + deciding


def reference(folder: Path) -> dict[str, Any] | None:
    """Return what supervision took for the same boxes, line and zones; None without it."""
    python = environment(folder, REFERENCES)
    if python is None:
        return None
    sensors: dict[str, Any] = {
        name: [list(point) for point in sensor.points]  # type: ignore[union-attr]
        for name, sensor in parse(SITE).sensors.items()
    }
    asked = {
        "size": SIZE,
        "fps": float(FOOTAGE_FPS),
        "rounds": ROUNDS,
        "line": sensors["line"],
        "zones": [sensors["lawn"], sensors["path"]],
        "frames": [
            [[*reading.boxes[4 * i : 4 * i + 4], score] for i, score in enumerate(reading.scores)]
            for reading in footage()
        ],
    }
    answer = subprocess.run(
        [python, "-m", "tests.bench.rules_reference"],
        input=json.dumps(asked),
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        check=True,
    )
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def saturated(running: Chain, cameras: Cameras, count: int, frames: int) -> Load:
    """Let so many frames of so many cameras wait for the worker, and return what they took."""
    warm_up, ticks = (max(FPS, n // count // FPS * FPS) for n in (frames // WARM_UP_PART, frames))
    running.write(message for tick in cameras.ticks(0, warm_up) for message in tick)
    running.drain()
    messages = [message for tick in cameras.ticks(warm_up, ticks) for message in tick]
    before = running.spent()
    running.write(messages)
    running.drain()
    after = running.spent()
    done = ticks * count
    return Load(
        1e6 * (after.cpu_s - before.cpu_s) / done, after.memory, done / (after.at - before.at)
    )


def in_real_time(running: Chain, cameras: Cameras, shown: int) -> tuple[Load, list[float]]:
    """Write each frame at its time; return what they took and the delays of events in s."""
    start_at = _now_ms() + 5000
    plan = list(cameras.ticks(0, 2 * REAL_TIME_S * FPS, start_at=start_at, shown=shown))
    half = len(plan) // 2
    for number, tick in enumerate(plan):
        if number == half:
            before = running.spent()
        time.sleep(max(0.0, (start_at + number * TICK_MS - _now_ms()) / 1000))
        running.write(tick)
    after = running.spent()
    running.drain()
    done = REAL_TIME_S * FPS * shown
    load = Load(
        1e6 * (after.cpu_s - before.cpu_s) / done, after.memory, done / (after.at - before.at)
    )
    return load, list(_delays(running.bootstrap, start_at + half * TICK_MS))


def _delays(bootstrap: str, since: int) -> Iterator[float]:
    """Yield the seconds from a frame's arrival in ``detections`` to that of the event it opened."""
    arrived: dict[tuple[str, int], int] = {}
    for message in read_all(bootstrap, "detections"):
        record = decode(message.value)
        if isinstance(record, Detections):
            for reading in record.readings:
                arrived.setdefault((reading.camera, reading.at), message.arrived_at)
    for message in read_all(bootstrap, "up.events"):
        event = decode(message.value)
        if isinstance(event, Event) and event.revision == 1 and event.at >= since:
            yield (message.arrived_at - arrived[event.camera, event.at]) / 1000


def _now_ms() -> int:
    return int(time.time() * 1000)


def print_core() -> None:
    """Print what a frame costs in the core, beside supervision."""
    sensing, whole = core()
    with new_folder() as folder:
        theirs = reference(folder / "venv")
    rows = [
        ("Sightline: tracker, 3 sensors", sensing),
        ("Sightline: with rules, filter, grouping", whole),
    ]
    if theirs is not None:
        name = f"supervision {theirs['version']}: ByteTrack, LineZone, 2 PolygonZone"
        rows.append((name, theirs["us"]))
    frames = footage()
    objects = sum(len(reading.scores) for reading in frames) / len(frames)
    print(f"{len(frames)} frames, {objects:.1f} boxes each, best of {ROUNDS} rounds; {machine()}")
    table(
        ("core", "µs a frame", "× Sightline"),
        [(name, f"{us:.0f}", f"{us / whole:.2f}") for name, us in rows],
    )


def print_chain(frames: int) -> None:
    """Print what a camera-frame costs through Kafka."""
    rows: list[tuple[str, ...]] = []
    least: int | None = None
    for count in SITES:
        cameras = Cameras(count, readings=READINGS)
        with chain(count) as running:
            load = saturated(running, cameras, count, frames)
            least = load.memory if least is None else least
            each = (load.memory - least) / (count - SITES[0]) if count > SITES[0] else None
            told = "" if each is None else f"{each / 2**10:.0f}"
            rows.append((f"{count} cameras, all waiting", *_cells(load), told, "", ""))
            half = min(count, int(load.rate / 2 / FPS))
            real, delays = in_real_time(running, cameras, half)
            rows.append((f"{half} cameras in real time", *_cells(real), "", *_delay(delays)))
    print(f"\n{READINGS} readings a message, at most; {machine()}")
    table(
        (
            *("through Kafka", "CPU µs a camera-frame", "camera-frames a second and core"),
            *("a second measured", "MiB", "KiB a camera", "delay p50 ms", "p99 ms"),
        ),
        rows,
    )


def _cells(load: Load) -> tuple[str, ...]:
    rate = f"{1e6 / load.us:.0f}"
    return f"{load.us:.0f}", rate, f"{load.rate:.0f}", f"{load.memory / 2**20:.0f}"


def _delay(delays: list[float]) -> tuple[str, str]:
    if len(delays) < LEAST_EVENTS:
        return f"of {len(delays)}", "too few"
    return f"{1000 * at_share(delays, 0.5):.0f}", f"{1000 * at_share(delays, 0.99):.0f}"


def main() -> None:
    """Print both tables."""
    if not BOXES.exists():
        sys.exit("no fixtures: set SIGHTLINE_FIXTURES to the folder that holds det/")
    frames = int(sys.argv[1]) if len(sys.argv) > 1 else FRAMES
    print_core()
    print_chain(frames)


if __name__ == "__main__":
    main()
