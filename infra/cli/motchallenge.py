"""MOTChallenge text files: detections in, tracks out.

``det.txt``: ``frame, -1, x, y, w, h, score``, one row an object, frames from 1, pixels.
Format: Leal-Taixé et al., MOTChallenge 2015, section 3.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from schemas.errors import Rejected
from schemas.records import Reading

LABEL = "person"
MODEL = "detections"


@dataclass(frozen=True, slots=True)
class Detection:
    """One row: box in pixels of the picture it refers to, score 0..1."""

    x: float
    y: float
    width: float
    height: float
    score: float


def read_detections(path: Path) -> tuple[dict[int, list[Detection]], int]:
    """Return the rows by frame number (from 1), and how many scores had to be clamped to 0..1.

    Raises:
        Rejected: the file cannot be read, or a row is not one; the message names the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise Rejected(f"{path} cannot be read: {why}; give a MOTChallenge det.txt") from error
    frames: dict[int, list[Detection]] = {}
    clamped = 0
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        frame, detection = _row(line, f"{path}:{number}")
        score = min(1.0, max(0.0, detection.score))
        clamped += score != detection.score
        frames.setdefault(frame, []).append(
            Detection(detection.x, detection.y, detection.width, detection.height, score)
        )
    return frames, clamped


def readings(
    frames: dict[int, list[Detection]],
    *,
    camera: str,
    start_at: int,
    fps: Fraction,
    size: tuple[int, int],
    count: int | None,
    sample: Iterable[bool] | None = None,
) -> Iterator[Reading]:
    """Yield one reading per analysed frame, without rows too, up to the last row or ``count``.

    ``sample`` says for each frame whether it is analysed; all are by default.
    """
    width, height = size
    last = count if count is not None else max(frames, default=0)
    taken = iter(sample) if sample is not None else None
    seq = 0
    for index in range(last):
        if taken is not None and not next(taken):
            continue
        rows = frames.get(index + 1, [])
        yield Reading(
            kind="frame",
            camera=camera,
            offset=seq,
            epoch_at=start_at,
            seq=seq,
            at=start_at + presentation_ms(index, fps),
            config_version=0,
            state="online",
            still=False,
            outcome="ok",
            width=width,
            height=height,
            source_width=width,
            source_height=height,
            model=MODEL,
            model_version="0",
            boxes=tuple(
                edge
                for row in rows
                for edge in (
                    row.x / width,
                    row.y / height,
                    (row.x + row.width) / width,
                    (row.y + row.height) / height,
                )
            ),
            scores=tuple(row.score for row in rows),
            labels=(LABEL,) * len(rows),
        )
        seq += 1


def presentation_ms(index: int, fps: Fraction) -> int:
    """Return the presentation time of frame ``index`` (from 0), rounded to milliseconds.

    >>> presentation_ms(1, Fraction(25))
    40
    """
    return round(index * 1000 / fps)


def track_row(
    frame: int,
    track: int,
    box: tuple[float, float, float, float],
    score: float,
    size: tuple[int, int],
) -> str:
    """Return one row of a tracks file: 1-based frame, integer id, box in pixels of ``size``."""
    width, height = size
    left, top, right, bottom = box
    return (
        f"{frame},{track},{left * width:.2f},{top * height:.2f},"
        f"{(right - left) * width:.2f},{(bottom - top) * height:.2f},{score:.4f},-1,-1,-1"
    )


def _row(line: str, where: str) -> tuple[int, Detection]:
    parts = line.replace("\t", ",").split(",")
    try:
        numbers = [float(part) for part in parts[:7]]
    except ValueError as error:
        raise Rejected(f"{where}: {error}; rows are frame,-1,x,y,w,h,score") from error
    if len(numbers) < 7 or not all(map(math.isfinite, numbers)):
        raise Rejected(f"{where}: {len(parts)} columns, expected frame,-1,x,y,w,h,score as numbers")
    frame, _, x, y, width, height, score = numbers
    if frame < 1 or frame != int(frame):
        raise Rejected(f"{where}: frame {frame:g}: frames are whole numbers from 1")
    if width <= 0 or height <= 0:
        raise Rejected(f"{where}: a box of {width:g} x {height:g} pixels: both must be above 0")
    return int(frame), Detection(x, y, width, height, score)
