"""Non-maximum suppression: of boxes that overlap, the best one stays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]


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
    while order.size and len(kept) < limit:
        best = order[0]
        kept.append(int(best))
        rest = order[1:]
        beaten = (labels[rest] == labels[best]) & (overlap(boxes[best], boxes[rest]) > iou)
        order = rest[~beaten]
    return np.array(kept, np.intp)


def overlap(box: Floats, others: Floats) -> Floats:
    """Return intersection over union of one box [4] with others [n, 4]; 0 where both are empty."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    sides = np.maximum(high - low, 0)
    shared = sides[:, 0] * sides[:, 1]
    area = (box[2] - box[0]) * (box[3] - box[1])
    areas = (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1])
    union = area + areas - shared
    result = np.zeros(len(others), np.float32)
    np.divide(shared, union, out=result, where=union > 0)
    return result
