"""Which of a frame's detections count, in an order that does not depend on the detector's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from schemas.errors import Rejected
from schemas.records import Reading
from streams.core.geometry import Box, Point, anchor_of, in_polygon, iou

MIN_SCORE = 0.1
MAX_DETECTIONS = 128
"""The highest-scoring ones of a frame; more would only be noise, and matching is quadratic."""
_FAR = 8.0
"""A box that reaches this many pictures away is a broken number, not an object."""
_THIN = 1e-6
"""A box without width or height is a broken number too."""
_SAME_OBJECT_IOU = 0.8


class Detection(msgspec.Struct, frozen=True):
    """One object in one frame."""

    box: Box
    score: float
    label: str
    model: str = ""
    """That found it."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What a camera keeps of its detections."""

    classes: frozenset[str] | None = None
    """None: all."""
    model_classes: tuple[tuple[str, frozenset[str]], ...] = ()
    """Further limits by model."""
    ignore: tuple[tuple[Point, ...], ...] = ()
    """Polygons; an object whose bottom anchor lies in one of them is dropped."""


def select(reading: Reading, selection: Selection) -> list[Detection]:
    """Return the detections that count, highest score first; ties by place.

    Raises:
        Rejected: boxes, scores and labels do not belong together.
    """
    count = len(reading.scores)
    if len(reading.boxes) != 4 * count or len(reading.labels) != count:
        raise Rejected(
            f"frame {reading.seq} of camera {reading.camera!r} has {len(reading.boxes)} box "
            f"coordinates, {count} scores and {len(reading.labels)} labels: they must be 4:1:1",
            reason="uneven-detections",
        )
    limits = [classes for model, classes in selection.model_classes if model == reading.model]
    if selection.classes is not None:
        limits.append(selection.classes)
    found: list[Detection] = []
    for index, (score, label) in enumerate(zip(reading.scores, reading.labels, strict=True)):
        if score < MIN_SCORE or any(label not in classes for classes in limits):
            continue
        x1, y1, x2, y2 = reading.boxes[4 * index : 4 * index + 4]
        if not (-_FAR < x1 <= x2 - _THIN and -_FAR < y1 <= y2 - _THIN and max(x2, y2) < _FAR):
            continue
        box = (x1, y1, x2, y2)
        if selection.ignore:
            anchor = anchor_of(box, "bottom")
            if any(in_polygon(polygon, anchor) for polygon in selection.ignore):
                continue
        found.append(Detection(box, min(score, 1.0), label))
    found.sort(key=lambda detection: (-detection.score, detection.box, detection.label))
    return _without_doubles(found[:MAX_DETECTIONS])


def _without_doubles(detections: Sequence[Detection]) -> list[Detection]:
    """Drop what covers a higher-scoring detection: one object seen twice, or called two names."""
    kept: list[Detection] = []
    for detection in detections:
        if not any(iou(detection.box, other.box) > _SAME_OBJECT_IOU for other in kept):
            kept.append(detection)
    return kept
