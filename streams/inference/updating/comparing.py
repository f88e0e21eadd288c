"""Whether a new version of a model may take over, by what it says of the same pictures. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from streams.inference.answer import Answer

SURE_SCORE = 0.3
"""Objects below this score are not expected of the other version."""
SAME_IOU = 0.5
"""Two boxes of a class that overlap so much are one object."""
_FARTHEST = 10.0
"""A box may reach past the picture, by so many pictures at most."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a new version must keep to; None: it may differ as it likes."""

    max_answer_s: float
    max_missing: float | None = None
    max_score_change: float | None = None


def unsound(answer: Answer) -> list[str]:
    """Return what is wrong with an answer in itself: numbers that no detector may give."""
    found = []
    if len(answer.boxes) != 4 * len(answer.scores) or len(answer.labels) != len(answer.scores):
        return ["it gives boxes, scores and labels of different numbers"]
    if not all(math.isfinite(edge) and abs(edge) <= _FARTHEST for edge in answer.boxes):
        found.append("it gives boxes that are not finite or lie far outside the picture")
    if any(x2 < x1 or y2 < y1 for x1, y1, x2, y2 in _boxes(answer)):
        found.append("it gives boxes whose edges are swapped")
    if not all(0 <= score <= 1 for score in answer.scores):
        found.append("it gives scores outside 0..1")
    return found


def differing(before: Sequence[Answer], after: Sequence[Answer], limits: Limits) -> list[str]:
    """Return by which limits two versions differ too much.

    Args:
        before: answers of the version before, one a picture.
        after: the new version's of the same pictures.
        limits: those given.
    """
    expected = 0
    changes: list[float] = []
    for old, new in zip(before, after, strict=True):
        expected += sum(score >= SURE_SCORE for score in old.scores)
        changes += _score_changes(old, new)
    found = []
    if expected and limits.max_missing is not None:
        missing = 1 - len(changes) / expected
        if missing > limits.max_missing:
            found.append(
                f"{missing:.0%} of the {expected} objects of the version before are missing, and "
                f"{limits.max_missing:.0%} may be"
            )
    if changes and limits.max_score_change is not None:
        change = sum(changes) / len(changes)
        if change > limits.max_score_change:
            found.append(
                f"scores change by {change:.3f} on average, and {limits.max_score_change:g} is the most"
            )
    return found


def _score_changes(old: Answer, new: Answer) -> Iterator[float]:
    """Yield the change of each sure object of the old answer that the new one has too."""
    free = list(zip(_boxes(new), new.scores, new.labels, strict=True))
    ranked = sorted(zip(old.scores, _boxes(old), old.labels, strict=True), reverse=True)
    for score, box, label in ranked:
        if score < SURE_SCORE:
            return
        fitting = [one for one in free if one[2] == label and iou(one[0], box) >= SAME_IOU]
        if fitting:
            best = max(fitting, key=lambda one: (iou(one[0], box), -abs(one[1] - score)))
            free.remove(best)
            yield abs(best[1] - score)


def _boxes(answer: Answer) -> list[tuple[float, ...]]:
    return [answer.boxes[i : i + 4] for i in range(0, len(answer.boxes), 4)]


def iou(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the overlap of two boxes x1, y1, x2, y2: intersection over union, 0..1.

    >>> iou((0, 0, 2, 1), (1, 0, 3, 1))
    0.3333333333333333
    """
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return both / (areas - both)
