"""Small drawn scenes: a textured ground, and boxes that walk over it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import cv2
import numpy as np
import numpy.typing as npt

from schemas.records import Frame
from streams.inference import thumbnails
from streams.inference.answer import Answer
from streams.inference.local import LocalModel
from streams.inference.thumbnails import History

WIDTH, HEIGHT = 320, 180
STEP_MS = 200
EPOCH_AT = 946_684_800_000
Picture = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int]


def ground(seed: int = 7) -> Picture:
    """Return a ground of soft patches [180, 320, 3], grey levels about 90 to 170."""
    random = np.random.default_rng(seed)
    coarse = random.integers(90, 170, (9, 16, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.uint8)


def with_things(picture: Picture, boxes: Iterable[Box], colour: int = 20) -> Picture:
    """Return the picture with filled boxes x1, y1, x2, y2 in it."""
    drawn = picture.copy()
    for x1, y1, x2, y2 in boxes:
        drawn[max(0, y1) : max(0, y2), max(0, x1) : max(0, x2)] = colour
    return drawn


def in_light(picture: Picture, gain: float, offset: float) -> Picture:
    """Return the picture in another light."""
    return np.clip(picture.astype(np.float64) * gain + offset, 0, 255).astype(np.uint8)


def jpeg(picture: Picture, quality: int = 85) -> bytes:
    """Return the picture as a JPEG."""
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def frame(
    seq: int, picture: Picture | bytes, *, epoch_at: int = EPOCH_AT, **other: object
) -> Frame:
    """Return the frame ``seq`` of a camera at 5 frames a second."""
    values: dict[str, object] = {
        "site": "depot-7",
        "camera": "gate",
        "epoch_at": epoch_at,
        "seq": seq,
        "captured_at": epoch_at + seq * STEP_MS,
        "config_version": 0,
        "width": WIDTH,
        "height": HEIGHT,
        "source_width": WIDTH,
        "source_height": HEIGHT,
        "jpeg": picture if isinstance(picture, bytes) else jpeg(picture),
    }
    return Frame(**{**values, **other})  # type: ignore[arg-type]


def answers(model: LocalModel, pictures: Iterable[Picture]) -> Iterator[Answer]:
    """Ask a model about a run of pictures from the epoch's first on."""
    history = History()
    for seq, picture in enumerate(pictures):
        one = frame(seq, picture)
        history, block = thumbnails.step(history, one, seq)
        yield model.infer(one.jpeg, block)


def walker(seq: int, speed: int = 6) -> Box:
    """Return a walker of 16x48 pixels that enters at the left with frame 10."""
    x = (seq - 10) * speed - 16
    return x, 90, x + 16, 138
