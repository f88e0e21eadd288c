"""Non-maximum suppression: of boxes that overlap, the best one stays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]

_BLOCK = 64
"""So many boxes are compared at once: more would compare many that are beaten already."""


def suppress(boxes: Floats, scores: Floats, labels: Indices, iou: float, limit: int) -> Indices:
    """Return the indices of the boxes that stay, best first, class by class.

    Greedy: a box goes when it overlaps a better one of its own class by more than ``iou``.
    Equal scores keep their order, so the answer is the same everywhere.

    Args:
        boxes: [n, 4], x1, y1, x2, y2 in any unit.
        scores: [n].
        labels: [n], class index.
        iou: overlap above which the lower score goes, 0..1.
        limit: the most boxes that stay.

    >>> boxes = np.array([[0, 0, 4, 4], [0, 0, 4, 5], [0, 0, 4, 4]], np.float32)
    >>> suppress(boxes, np.array([.9, .8, .7], np.float32), np.array([0, 0, 1]), .5, 9).tolist()
    [0, 2]
    """
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    for start in range(0, len(order), _BLOCK):
        block = order[start : start + _BLOCK]
        block = block[~_beat(boxes, labels, kept, block, iou).any(axis=0)]
        beaten, beats = np.zeros(len(block), bool), _beat(boxes, labels, block, block, iou)
        for row, index in enumerate(block):
            if not beaten[row]:
                kept.append(int(index))
                beaten |= beats[row]
            if len(kept) == limit:
                return np.array(kept, np.intp)
    return np.array(kept, np.intp)


def overlap(box: Floats, others: Floats) -> Floats:
    """Return intersection over union of one box [4] with others [n, 4]; 0 where both are empty."""
    found: Floats = overlaps(box[None], others)[0]
    return found


def overlaps(boxes: Floats, others: Floats) -> Floats:
    """Return intersection over union [n, m] of boxes [n, 4] and others [m, 4]."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    sides = np.maximum(high - low, 0)
    shared = sides[..., 0] * sides[..., 1]
    union = _areas(boxes)[:, None] + _areas(others)[None] - shared
    result = np.zeros(shared.shape, np.float32)
    np.divide(shared, union, out=result, where=union > 0)
    return result


def _beat(
    boxes: Floats, labels: Indices, better: Sequence[int] | Indices, others: Indices, iou: float
) -> npt.NDArray[np.bool_]:
    """Tell which of the better boxes [n] beats which of the others [m], as [n, m]."""
    rows = np.asarray(better, np.intp)
    same = labels[rows][:, None] == labels[others][None]
    return np.asarray(same & (overlaps(boxes[rows], boxes[others]) > iou))


def _areas(boxes: Floats) -> Floats:
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]), np.float32)
