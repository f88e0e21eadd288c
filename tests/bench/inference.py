"""How fast frames are answered: through Triton against the same model in this process.

Run with ``python -m tests.bench.inference [frames]``. Both ways run side by side in time on the
same frames, so the ratio holds where the machine's load does not.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import psutil

from infra.local.stack import Stack, StackConfig
from schemas.records import Frame
from streams.inference import thumbnails
from streams.inference.cards import included_card
from streams.inference.client import TritonClient
from streams.inference.local import LocalModel
from streams.inference.repository import install, load
from streams.inference.thumbnails import History
from tests.bench.printing import machine, table
from tests.bench.product import new_folder
from tests.fixtures import FIXTURES

CLIP = FIXTURES / "videos" / "vtest_480x360_10fps.mp4"
WEIGHTS = FIXTURES / "models" / "yolox_nano.onnx"
ROUNDS = 3
Question = tuple[bytes, bytes]
Ask = Callable[[Question], object]


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


def cost(ask: Ask, asked: list[Question], callers: int) -> Cost:
    """Ask about all frames with so many callers at once."""
    with ThreadPoolExecutor(callers) as pool:
        began, cpu = time.perf_counter(), cpu_s()
        list(pool.map(ask, asked))
        return Cost((time.perf_counter() - began) / len(asked), (cpu_s() - cpu) / len(asked))


@contextmanager
def triton(models: dict[str, Path | None]) -> Iterator[TritonClient]:
    """Run Triton with these models."""
    with new_folder() as folder:
        stack = Stack(StackConfig(data_dir=folder, parts=frozenset({"triton"})))
        stack.start()
        try:
            client = TritonClient(stack.endpoints.triton_grpc)
            repository = folder / "models"
            for name, weights in models.items():
                version = install(repository, name, weights, included_card(name))
                load(client, repository, name, version)
            yield client
        finally:
            stack.stop()


def compare(here: Ask, there: Ask, asked: list[Question], callers: int) -> list[str]:
    """Return the cells of one line: the best round of either way."""
    pairs = [(cost(here, asked, callers), cost(there, asked, callers)) for _ in range(ROUNDS)]
    wall = [min(pair[side].wall_s for pair in pairs) for side in (0, 1)]
    cpu = [min(pair[side].cpu_s for pair in pairs) for side in (0, 1)]
    return [
        *(f"{1 / wall[side]:.1f}" for side in (0, 1)),
        f"{wall[0] / wall[1]:.2f}",
        *(f"{1000 * cpu[side]:.1f}" for side in (0, 1)),
        f"{cpu[1] / cpu[0]:.2f}",
    ]


def main() -> None:
    """Print a line for each model and number of callers."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 150
    if not CLIP.exists():
        sys.exit("no fixtures: set SIGHTLINE_FIXTURES to the folder that holds videos/ and models/")
    asked = questions(count)
    cores = os.cpu_count() or 1
    models: dict[str, Path | None] = {"foreground": None, "yolox": WEIGHTS}
    print(f"{count} frames of 480x360, best of {ROUNDS} rounds; {machine()}")
    rows: list[list[str]] = []
    with triton(models) as client:
        for name, weights in models.items():
            local = LocalModel(name, weights)

            def here(question: Question, local: LocalModel = local) -> object:
                return local.infer(*question)

            def there(question: Question, name: str = name) -> object:
                return client.infer(name, *question)

            for callers in (1, 2 * cores):
                rows.append([name, str(callers), *compare(here, there, asked, callers)])
    table(
        (
            *("model", "callers", "here frames/s", "Triton frames/s", "× here"),
            *("here CPU ms", "Triton CPU ms", "× here"),
        ),
        rows,
    )


if __name__ == "__main__":
    main()
