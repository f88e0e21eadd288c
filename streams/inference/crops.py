"""The second stage: models that look at cut-outs of what the detectors of a frame found.

What they say becomes attributes of those objects, and neither moves nor renames them: a track is
what the detectors saw, and a helmet or a colour is something about it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2

from streams.inference.answer import Answer, Outcome, Refusal
from streams.inference.choosing import Use
from triton_models.kit.picture import BadPicture, decode_colour

MOST = 16
"""Objects of a frame that a model looks at, those with the highest scores."""
MOST_LABELS = 16
"""That a model says of one object, the surest ones."""
_PADDING = 0.1
"""A cut-out reaches this part of the box's size beyond each of its sides."""
_LEAST_PIXELS = 8
"""A cut-out with a shorter side shows nothing."""
_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 95]


@dataclass(frozen=True, slots=True)
class Crop:
    """One object as one model is to see it."""

    model: str
    index: int
    """Of the object, counted through all answers about the frame."""
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class Attributed:
    """What the second stage adds to a frame."""

    attributes: tuple[str, ...] = ()
    """JSON for each object: {model: {label: score}}, a model that looked and saw nothing with an
    empty map; empty: none looked at any."""
    outcomes: tuple[Outcome, ...] = ()
    """One for each model that was asked, without objects of its own."""


def crops_of(jpeg: bytes, outcomes: Sequence[Outcome], uses: Sequence[Use]) -> list[Crop]:
    """Return what the models of the second stage look at, model by model, best objects first.

    Args:
        jpeg: the frame.
        outcomes: of the first stage.
        uses: the models of the second stage that are due; their classes are those of the objects
            they look at.
    """
    answers = [outcome for outcome in outcomes if isinstance(outcome, Answer)]
    labels = [label for answer in answers for label in answer.labels]
    wanted = {use.model: _chosen(answers, labels, use.classes) for use in uses}
    if not any(wanted.values()):
        return []
    try:
        picture = decode_colour(jpeg)
    except BadPicture:
        return []
    boxes = [answer.boxes[i : i + 4] for answer in answers for i in range(0, len(answer.boxes), 4)]
    height, width = picture.shape[:2]
    cut: dict[int, bytes | None] = {}
    for index in sorted({index for found in wanted.values() for index in found}):
        area = area_of(boxes[index], width, height)
        if area is not None:
            left, top, right, bottom = area
            done, encoded = cv2.imencode(".jpg", picture[top:bottom, left:right], _QUALITY)
            cut[index] = encoded.tobytes() if done else None
    return [
        Crop(model, index, shown)
        for model, found in wanted.items()
        for index in found
        if (shown := cut.get(index)) is not None
    ]


def area_of(box: Sequence[float], width: int, height: int) -> tuple[int, int, int, int] | None:
    """Return the pixels (left, top, right, bottom) of a cut-out; None: too few are in the picture.

    >>> area_of((0.25, 0.5, 0.75, 1.0), 200, 100)
    (40, 45, 160, 100)
    """
    x1, y1, x2, y2 = box
    across, down = _PADDING * (x2 - x1), _PADDING * (y2 - y1)
    if not all(math.isfinite(edge) for edge in box):
        return None
    left, right = max(0.0, (x1 - across) * width), min(float(width), (x2 + across) * width)
    top, bottom = max(0.0, (y1 - down) * height), min(float(height), (y2 + down) * height)
    area = (math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom))
    if min(area[2] - area[0], area[3] - area[1]) < _LEAST_PIXELS:
        return None
    return area


def attributed(
    outcomes: Sequence[Outcome], crops: Sequence[Crop], said: Sequence[Outcome]
) -> Attributed:
    """Return what the second stage adds: of each label the best score of an object.

    A model that failed on a cut-out counts as failed, with what it said of the others.

    Args:
        outcomes: of the first stage.
        crops: as ``crops_of`` gave them.
        said: of each crop.
    """
    found: dict[int, dict[str, dict[str, float]]] = {}
    looks: dict[str, Outcome] = {}
    for crop, outcome in zip(crops, said, strict=True):
        if isinstance(outcome, Refusal):
            looks[crop.model] = outcome
            continue
        looks.setdefault(crop.model, Answer((), (), (), outcome.model, outcome.model_version))
        best = found.setdefault(crop.index, {}).setdefault(crop.model, {})
        for label, score in zip(outcome.labels, outcome.scores, strict=True):
            best[label] = max(score, best.get(label, 0.0))
    if not found:
        return Attributed((), tuple(looks.values()))
    count = sum(len(outcome.scores) for outcome in outcomes if isinstance(outcome, Answer))
    texts = tuple(_json(found.get(index, {})) for index in range(count))
    return Attributed(texts, tuple(looks.values()))


def _chosen(
    answers: Sequence[Answer], labels: Sequence[str], classes: frozenset[str] | None
) -> list[int]:
    scores = [score for answer in answers for score in answer.scores]
    found = [i for i, label in enumerate(labels) if classes is None or label in classes]
    return sorted(found, key=lambda index: (-scores[index], index))[:MOST]


def _json(found: dict[str, dict[str, float]]) -> str:
    told = {
        model: dict(sorted(best.items(), key=lambda one: (-one[1], one[0]))[:MOST_LABELS])
        for model, best in found.items()
    }
    return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
