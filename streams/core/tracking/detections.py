"""Which of a frame's detections count, in an order that does not depend on the detector's.

Several models may have looked. Two that give an object the same name, or one of which can only say
that something is there, speak of one object; different names by different models are different
things in one place, such as a person and the helmet that fills the same box.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from schemas.errors import Rejected
from schemas.records import Reading
from streams.core.geometry import Box, Point, anchor_of, in_polygon, iou, overlap
from streams.core.tracking.attributes import Attributes, attributes_in

MIN_SCORE = 0.1
MAX_DETECTIONS = 128
"""The highest-scoring ones of a frame; more would only be noise, and matching is quadratic."""
_FAR = 8.0
"""A box that reaches this many pictures away is a broken number, not an object."""
_THIN = 1e-6
"""A box without width or height is a broken number too."""
GENERIC = "object"
"""The label of a model that finds things without telling what they are."""
_SAME_OBJECT_IOU = 0.8
_SAME_OBJECT_OF_TWO_MODELS_IOU = 0.5
"""Models draw their boxes differently, and a model itself has dropped what overlaps so much."""
_EXPLAINED = 0.5
"""Something of which so much lies in a named object of another model is that object, or of it."""


class Detection(msgspec.Struct, frozen=True, gc=False):
    """One object in one frame."""

    box: Box
    score: float
    label: str
    model: str = ""
    """That found it."""
    attributes: Attributes | None = None
    """What models of the second stage say of it; None: none looked."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What a camera keeps of its detections."""

    classes: frozenset[str] | None = None
    """None: all."""
    model_classes: tuple[tuple[str, frozenset[str]], ...] = ()
    """Further limits by model."""
    ignore: tuple[tuple[Point, ...], ...] = ()
    """Polygons; an object whose bottom anchor lies in one of them is dropped."""


class Answered(msgspec.Struct, frozen=True, gc=False):
    """One model's part of a reading."""

    model: str
    version: str
    objects: int


def answered(reading: Reading) -> list[Answered]:
    """Return who answered about a frame and how many of its objects are whose, in their order.

    Raises:
        Rejected: boxes, scores, labels and looks do not belong together.
    """
    count = len(reading.scores)
    uneven = len(reading.boxes) != 4 * count or len(reading.labels) != count
    if uneven or len(reading.attributes) not in (0, count):
        raise Rejected(
            f"frame {reading.seq} of camera {reading.camera!r} has {len(reading.boxes)} box "
            f"coordinates, {count} scores, {len(reading.labels)} labels and "
            f"{len(reading.attributes)} attributes: they must be 4:1:1:1, or without attributes",
            reason="uneven-detections",
        )
    if not reading.looks:
        return [Answered(reading.model, reading.model_version, count)]
    parts = [
        Answered(look.model, look.model_version, look.objects)
        for look in reading.looks
        if look.outcome == "ok"
    ]
    even = sum(part.objects for part in parts) == count
    if not parts or not even or any(part.objects < 0 for part in parts):
        raise Rejected(
            f"frame {reading.seq} of camera {reading.camera!r} has {count} objects, but its models "
            f"tell of {', '.join(f'{part.model} {part.objects}' for part in parts) or 'none'}",
            reason="uneven-detections",
        )
    return parts


def select(reading: Reading, selection: Selection, sure: float = 0.0) -> list[Detection]:
    """Return the detections that count, highest score first; ties by place.

    Args:
        reading: a frame that was analysed.
        selection: what the camera keeps.
        sure: from this score on a name by one model explains what another only sees.

    Raises:
        Rejected: boxes, scores, labels and looks do not belong together, or attributes are none.
    """
    parts = answered(reading)
    found: list[Detection] = []
    first = 0
    for part in parts:
        last = first + part.objects
        _add_part(found, reading, range(first, last), part.model, selection)
        first = last
    found.sort(key=_order)
    if len(parts) > 1:
        found = _told_apart(found, sure)
    return _without_doubles(found[:MAX_DETECTIONS])


def _allowed(selection: Selection, model: str) -> frozenset[str] | None:
    """Return the classes that are kept of what a model found; None: all."""
    limits = [classes for name, classes in selection.model_classes if name == model]
    if selection.classes is not None:
        limits.append(selection.classes)
    return frozenset.intersection(*limits) if limits else None


def _add_part(
    found: list[Detection], reading: Reading, part: range, model: str, selection: Selection
) -> None:
    """Add what counts of one model's objects."""
    allowed, ignore = _allowed(selection, model), selection.ignore
    boxes, scores, labels = reading.boxes, reading.scores, reading.labels
    for index in part:
        score, label = scores[index], labels[index]
        if score < MIN_SCORE or (allowed is not None and label not in allowed):
            continue
        x1, y1, x2, y2 = boxes[4 * index : 4 * index + 4]
        if not (-_FAR < x1 <= x2 - _THIN and -_FAR < y1 <= y2 - _THIN and x2 < _FAR and y2 < _FAR):
            continue
        box = (x1, y1, x2, y2)
        if ignore and _lies_in(ignore, anchor_of(box, "bottom")):
            continue
        attributes = attributes_in(reading.attributes[index]) if reading.attributes else None
        found.append(Detection(box, min(1.0, score), label, model, attributes or None))


def _lies_in(polygons: Sequence[Sequence[Point]], anchor: Point) -> bool:
    return any(in_polygon(polygon, anchor) for polygon in polygons)


def _order(detection: Detection) -> tuple[float, Box, str, str]:
    return -detection.score, detection.box, detection.label, detection.model


def _told_apart(detections: Sequence[Detection], sure: float) -> list[Detection]:
    """Drop what another model has seen too: it names it, or gives it the same name more surely."""
    kept: list[Detection] = []
    for detection in sorted(detections, key=lambda one: one.label == GENERIC):
        others = [other for other in kept if other.model != detection.model]
        if not any(_is_part_of(detection, other, sure) for other in others):
            kept.append(detection)
    return sorted(kept, key=_order)


def _is_part_of(detection: Detection, other: Detection, sure: float) -> bool:
    if detection.label == other.label:
        return iou(detection.box, other.box) > _SAME_OBJECT_OF_TWO_MODELS_IOU
    if detection.label == GENERIC and other.score >= sure:
        return overlap(detection.box, other.box) > _EXPLAINED
    return False


def _without_doubles(detections: Sequence[Detection]) -> list[Detection]:
    """Drop what covers a higher-scoring detection: one object seen twice, or called two names."""
    kept: list[Detection] = []
    for detection in detections:
        box = detection.box
        left, width = box[0], box[2] - box[0]
        for other in kept:
            # Most lie far apart, which the left edges tell at once.
            if (
                -width < other.box[0] - left < width
                and detection.model == other.model
                and iou(box, other.box) > _SAME_OBJECT_IOU
            ):
                break
        else:
            kept.append(detection)
    return kept
