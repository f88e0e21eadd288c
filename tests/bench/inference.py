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
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import av
import cv2
import psutil

from schemas.records import Frame
from streams.inference import thumbnails
from streams.inference.batching import cut
from streams.inference.cards import included_card
from streams.inference.client import Picture
from streams.inference.local import LocalModel
from streams.inference.thumbnails import History
from tests.bench import raw_tensors
from tests.bench.detecting import PARTS, Rig, Watch, detecting, frame, rig
from tests.bench.printing import at_share, machine, table
from tests.fixtures import FIXTURES
from triton_models.kit.background import background_of

CLIP = FIXTURES / "videos" / "vtest_480x360_10fps.mp4"
WEIGHTS = FIXTURES / "models" / "yolox_nano.onnx"
ROUNDS = 3
Question = tuple[bytes, bytes]
Ask = Callable[[Question], object]
T = TypeVar("T")
CORES = os.cpu_count() or 1
CAMERAS = 6
BACKLOG_S = 4.0
"""So long the loop in this process takes for it: less than what detect calls overload."""


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
            one = frame("bench", seq, jpeg, epoch_at=0, keep=True)
            history, block = thumbnails.step(history, one, seq)
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


def through_kafka(bench: Rig, name: str, local: LocalModel, jpegs: list[bytes]) -> float:
    """Print how fast a backlog is worked off, beside the loop; return frames a second."""
    cameras = [f"{name}-{number}" for number in range(CAMERAS)]
    warm = cost(
        lambda one: local.infer(*one), judged(backlog(cameras, jpegs, len(jpegs), 1)), CORES
    )
    count = round(BACKLOG_S / warm.wall_s)
    pairs = []
    for _ in range(ROUNDS):
        bench.configure(cameras, name)
        frames = backlog(cameras, jpegs, count, bench.version)
        asked = judged(frames)
        # Whoever looks at a frame makes its background first.
        background_of.cache_clear()
        ours = cost(lambda one: local.infer(*one), asked, CORES)
        pairs.append((ours, _worked_off(bench, frames)))
    ours = min((one for one, _ in pairs), key=lambda one: one.wall_s)
    theirs = min((one for _, one in pairs), key=lambda one: one.wall_s)
    ratios = sorted(one.wall_s / other.wall_s for one, other in pairs)
    table(
        (
            *(f"{count} frames, Kafka to Kafka", "here frames/s", "detect frames/s", "× here"),
            *("rounds × here", "here CPU ms", *(f"{part} ms" for part in PARTS), "cores busy"),
        ),
        [
            [
                name,
                f"{1 / ours.wall_s:.1f}",
                f"{1 / theirs.wall_s:.1f}",
                f"{ours.wall_s / theirs.wall_s:.2f}",
                " ".join(f"{one:.2f}" for one in ratios),
                f"{1000 * ours.cpu_s:.1f}",
                *(f"{1000 * theirs.cpu_s[part]:.2f}" for part in PARTS),
                f"{sum(theirs.cpu_s.values()) / theirs.wall_s:.2f}",
            ]
        ],
    )
    return 1 / theirs.wall_s


@dataclass(frozen=True)
class Shares:
    """Wall and processor seconds for one frame, the latter by who used them."""

    wall_s: float
    cpu_s: dict[str, float]


def backlog(cameras: Sequence[str], jpegs: Sequence[bytes], count: int, epoch: int) -> list[Frame]:
    """Return frames of cameras that show the same clip, each from another moment on."""
    frames = []
    for number in range(count):
        seq, index = divmod(number, len(cameras))
        jpeg = jpegs[(seq + index * len(jpegs) // len(cameras)) % len(jpegs)]
        frames.append(frame(cameras[index], seq, jpeg, epoch_at=epoch, keep=True))
    return frames


def judged(frames: Sequence[Frame]) -> list[Question]:
    """Return what detect will ask about these frames."""
    histories: dict[str, History] = {}
    asked = []
    for one in frames:
        history = histories.get(one.camera, History())
        histories[one.camera], block = thumbnails.step(history, one)
        asked.append((one.jpeg, block))
    return asked


def _worked_off(bench: Rig, frames: Sequence[Frame]) -> Shares:
    """Return what a frame costs, from when the first readings have come out."""
    watch = Watch(bench)
    bench.feed((0.0, one) for one in frames)
    with detecting(bench) as pid:
        waiting = threading.Thread(target=watch.until, args=(len(frames),))
        waiting.start()
        watch.began.wait(120)
        already, before = len(watch.seen), bench.spent(pid)
        waiting.join()
        used = {part: spent - before[part] for part, spent in bench.spent(pid).items()}
    ends = sorted(one.out_at for one in watch.seen)
    failed = Counter(one.outcome for one in watch.seen)
    if failed["ok"] != len(frames):
        sys.exit(f"not all frames were answered: {dict(failed)}")
    first = sum(at == ends[0] for at in ends)
    wall_s = (ends[-1] - ends[0]) / 1000 / (len(frames) - first)
    rest = max(1, len(frames) - already)
    return Shares(wall_s, {part: spent / rest for part, spent in used.items()})


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
        with detecting(bench) as pid:
            before = bench.spent(pid)
            feeding = threading.Thread(
                target=bench.feed, args=(_fed(bench, rates, jpegs, seconds),)
            )
            feeding.start()
            watch.until(sum(int(seconds * one) for one in rates.values()))
            feeding.join()
            spent = {part: used - before[part] for part, used in bench.spent(pid).items()}
        sent_at = bench.sent_at
        # The first third is that of the start, and of finding out how fast the model is.
        began_at = min(sent_at.values()) + round(1000 * seconds / 3)
        late = [one for one in watch.seen if sent_at[one.partition, one.offset] >= began_at]
        answered = [one for one in late if one.outcome == "ok"]
        delays = [one.out_at - sent_at[one.partition, one.offset] for one in answered]
        shares = Counter(one.camera for one in answered)
        took_s = (max(one.out_at for one in late) - began_at) / 1000
        rows.append(
            [
                f"{name}, {title}",
                f"{sum(rates.values()):.0f}",
                f"{len(answered) / took_s:.0f}",
                f"{100 * (1 - len(answered) / len(late)):.0f}",
                f"{len(sent_at) - len(watch.seen)}",
                f"{at_share(delays, 0.5)}",
                f"{at_share(delays, 0.99)}",
                f"{max(delays)}",
                f"{min(shares[camera] for camera in rates) / max(shares.values()):.2f}",
                f"{spent['bench'] / sum(spent.values()):.2f}",
            ]
        )
    table(
        (
            *("load", "frames/s in", "answered/s", "dropped %", "lost", "p50 ms", "p99 ms"),
            *("max ms", "least / most of a camera", "bench's share of CPU"),
        ),
        rows,
    )


def _fed(
    bench: Rig, rates: Mapping[str, float], jpegs: Sequence[bytes], seconds: float
) -> Iterator[tuple[float, Frame]]:
    """Yield each camera's frames at its rate, frames a second, as they would be captured."""
    due = sorted(
        (number / rate, camera, number)
        for camera, rate in rates.items()
        for number in range(int(seconds * rate))
    )
    for at_s, camera, number in due:
        jpeg = jpegs[number % len(jpegs)]
        yield at_s, frame(camera, number, jpeg, epoch_at=bench.version, keep=False)


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
            rate = through_kafka(bench, name, LocalModel(name, weights), jpegs)
            under_load(bench, name, rate, jpegs, seconds)


if __name__ == "__main__":
    main()
