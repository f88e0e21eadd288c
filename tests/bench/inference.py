"""How fast frames are answered: by Triton, and from Kafka to Kafka, against a loop in this process.

Run with ``python -m tests.bench.inference [frames] [seconds]``. Both ways run side by side in time
on the same frames, so the ratio holds where the machine's load does not. Printed are

1. Triton alone: a JPEG in each request, several, and tensors that this process made of it;
2. Kafka → detect → Triton → Kafka, with everything that waits there at the start;
3. the same at half of that speed, and at three times of it with one camera that sends ten times
   as many frames as each of the others: delays by the broker's clock, and each camera's share.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import av
import cv2
import psutil

from infra.runtime.kafka import RecordProducer
from schemas.records import Frame
from streams.inference import thumbnails
from streams.inference.batching import cut
from streams.inference.cards import included_card
from streams.inference.client import Picture
from streams.inference.local import LocalModel
from streams.inference.thumbnails import History
from tests.bench import raw_tensors
from tests.bench.detecting import Rig, Watch, detecting, rig
from tests.bench.printing import at_share, machine, table
from tests.fixtures import FIXTURES

CLIP = FIXTURES / "videos" / "vtest_480x360_10fps.mp4"
WEIGHTS = FIXTURES / "models" / "yolox_nano.onnx"
ROUNDS = 3
Question = tuple[bytes, bytes]
Ask = Callable[[Question], object]
T = TypeVar("T")
CORES = os.cpu_count() or 1
CAMERAS = 6


@dataclass(frozen=True)
class Cost:
    """Wall and processor seconds for one frame."""

    wall_s: float
    cpu_s: float


def questions(count: int) -> list[Question]:
    """Return frames of the clip with the backgrounds they are judged by."""
    history = History()
    asked: list[Question] = []
    with av.open(str(CLIP)) as container:
        for seq, picture in enumerate(container.decode(video=0)):
            if len(asked) == count:
                break
            image = picture.to_ndarray(format="bgr24")
            jpeg = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, 90))[1].tobytes()
            frame = Frame(
                site="bench",
                camera="bench",
                epoch_at=0,
                seq=seq,
                captured_at=200 * seq,
                config_version=0,
                width=480,
                height=360,
                source_width=480,
                source_height=360,
                jpeg=jpeg,
            )
            history, block = thumbnails.step(history, frame, seq)
            asked.append((jpeg, block))
    return asked


def cpu_s() -> float:
    """Return the processor seconds that this process and its living children have used."""
    me = psutil.Process()
    times = [one.cpu_times() for one in (me, *me.children(recursive=True))]
    return sum(one.user + one.system for one in times)


def cost(ask: Callable[[T], object], asked: Sequence[T], callers: int) -> Cost:
    """Ask about all frames with so many callers at once."""
    with ThreadPoolExecutor(callers) as pool:
        began, cpu = time.perf_counter(), cpu_s()
        list(pool.map(ask, asked))
        return Cost((time.perf_counter() - began) / len(asked), (cpu_s() - cpu) / len(asked))


def compare(here: Ask, there: Ask, asked: list[Question], callers: int) -> list[str]:
    """Return the cells of one line: the best round of either way."""
    return cells([(cost(here, asked, callers), cost(there, asked, callers)) for _ in range(ROUNDS)])


def cells(pairs: Sequence[tuple[Cost, Cost]]) -> list[str]:
    """Return frames a second and processor time of either way, each with its ratio."""
    wall = [min(pair[side].wall_s for pair in pairs) for side in (0, 1)]
    cpu = [min(pair[side].cpu_s for pair in pairs) for side in (0, 1)]
    return [
        *(f"{1 / wall[side]:.1f}" for side in (0, 1)),
        f"{wall[0] / wall[1]:.2f}",
        *(f"{1000 * cpu[side]:.1f}" for side in (0, 1)),
        f"{cpu[1] / cpu[0]:.2f}",
    ]


def serving(bench: Rig, models: Mapping[str, Path | None], asked: list[Question]) -> None:
    """Print a line for each model, number of callers and way of sending."""
    rows: list[list[str]] = []
    for name, weights in models.items():
        local = LocalModel(name, weights)
        bench.client.refresh(name)

        def here(question: Question, local: LocalModel = local) -> object:
            return local.infer(*question)

        def there(question: Question, name: str = name) -> object:
            return bench.client.infer(name, *question)

        ways: dict[str, Ask] = {"JPEG": there}
        if weights is not None:
            raw_tensors.put(bench.repository, f"{name}-raw", weights, included_card(name))
            ways["tensor"] = raw_tensors.asking(bench.triton, f"{name}-raw", local.card)
        for way, ask in ways.items():
            for callers in (1, 2 * CORES):
                rows.append([f"{name}, {way}", str(callers), *compare(here, ask, asked, callers)])
        for size in (4, 8):
            rows.append([f"{name}, {size} JPEGs", "4", *_grouped(bench, name, here, asked, size)])
    table(
        (
            *("model", "callers", "here frames/s", "Triton frames/s", "× here"),
            *("here CPU ms", "Triton CPU ms", "× here"),
        ),
        rows,
    )


def _grouped(bench: Rig, name: str, here: Ask, asked: list[Question], size: int) -> list[str]:
    pictures = [[Picture(*one) for one in run] for run in cut(asked, size)]

    def there(run: list[Picture]) -> object:
        return bench.client.look(name, run)

    pairs = []
    for _ in range(ROUNDS):
        ours, theirs = cost(here, asked, 2 * CORES), cost(there, pictures, 2 * CORES)
        pairs.append((ours, Cost(theirs.wall_s / size, theirs.cpu_s / size)))
    return cells(pairs)


def through_kafka(bench: Rig, name: str, local: LocalModel, asked: list[Question]) -> float:
    """Print how fast a backlog is worked off, beside the loop; return frames a second."""
    cameras = [f"{name}-{number}" for number in range(CAMERAS)]
    pairs = []
    for _ in range(ROUNDS):
        bench.configure(cameras, name)
        ours = cost(lambda one: local.infer(*one), asked, CORES)
        pairs.append((ours, _backlog(bench, cameras, [jpeg for jpeg, _ in asked])))
    table(
        (
            *("Kafka to Kafka", "here frames/s", "detect frames/s", "× here"),
            *("here CPU ms", "detect + Triton CPU ms", "× here"),
        ),
        [[name, *cells(pairs)]],
    )
    return 1 / min(pair[1].wall_s for pair in pairs)


def _backlog(bench: Rig, cameras: list[str], jpegs: list[bytes]) -> Cost:
    """Return what a frame costs, from when the first readings have come out."""
    watch = Watch(bench)
    producer = RecordProducer(bench.kafka, "bench")
    frames = 0
    for round_ in range(3):
        for number, jpeg in enumerate(jpegs):
            camera = cameras[(number + round_) % len(cameras)]
            producer.send("frames", bench.frame(camera, jpeg, keep=True), key=camera)
            frames += 1
    producer.flush()
    with detecting(bench) as pid:
        waiting = threading.Thread(target=watch.until, args=(frames,))
        waiting.start()
        watch.began.wait(120)
        already, cpu = len(watch.seen), bench.cpu_s(pid)
        waiting.join()
        used_s = bench.cpu_s(pid) - cpu
    ends = sorted(one.out_at for one in watch.seen)
    first = sum(at == ends[0] for at in ends)
    wall_s = (ends[-1] - ends[0]) / 1000
    failed = Counter(one.outcome for one in watch.seen)
    if failed["ok"] != frames:
        sys.exit(f"not all frames were answered: {dict(failed)}")
    return Cost(wall_s / (frames - first), used_s / max(1, frames - already))


def under_load(bench: Rig, name: str, rate: float, jpegs: list[bytes], seconds: float) -> None:
    """Print delays and shares at half of a rate, and at three times of it."""
    each = rate / 2 / CAMERAS
    even = {f"{name}-{number}": each for number in range(CAMERAS)}
    flood = 3 * rate / (CAMERAS - 1 + 10)
    uneven = dict.fromkeys(even, flood) | {f"{name}-0": 10 * flood}
    rows = []
    for title, rates in (("half", even), ("3 times, one camera 10 times", uneven)):
        bench.configure(list(rates), name)
        watch = Watch(bench)
        with detecting(bench):
            feeding = threading.Thread(target=bench.feed, args=(rates, jpegs, seconds))
            feeding.start()
            seen = watch.until(sum(int(seconds * one) for one in rates.values()), 60.0)
            feeding.join()
        # The first third is that of the start, and of finding out how fast the model is.
        began_at = min(one.sent_at for one in seen) + round(1000 * seconds / 3)
        late = [one for one in seen if one.sent_at >= began_at]
        delays = [(one.out_at - one.sent_at) / 1000 for one in late if one.outcome == "ok"]
        shares = Counter(one.camera for one in late if one.outcome == "ok")
        dropped = sum(one.outcome == "dropped" for one in late)
        least = min(shares[camera] for camera in rates)
        rows.append(
            [
                f"{name}, {title}",
                f"{sum(rates.values()):.0f}",
                f"{len(delays) / (seconds * 2 / 3):.0f}",
                f"{100 * dropped / len(late):.0f}",
                f"{1000 * at_share(delays, 0.5):.0f}",
                f"{1000 * at_share(delays, 0.99):.0f}",
                f"{least / max(shares.values()):.2f}",
            ]
        )
    table(
        (
            *("load", "frames/s in", "answered/s", "dropped %", "p50 ms", "p99 ms"),
            "least / most of a camera",
        ),
        rows,
    )


def main() -> None:
    """Print the tables."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 150
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 45.0
    if not CLIP.exists():
        sys.exit("no fixtures: set SIGHTLINE_FIXTURES to the folder that holds videos/ and models/")
    asked = questions(count)
    jpegs = [jpeg for jpeg, _ in asked]
    models: dict[str, Path | None] = {"foreground": None, "yolox": WEIGHTS}
    print(f"{count} frames of 480x360, best of {ROUNDS} rounds; {machine()}")
    with rig(models) as bench:
        serving(bench, models, asked)
        for name, weights in models.items():
            rate = through_kafka(bench, name, LocalModel(name, weights), asked)
            under_load(bench, name, rate, jpegs, seconds)


if __name__ == "__main__":
    main()
