"""DETR and its relatives: a fixed set of queries, each with classes and a box (arXiv:2005.12872).

How scores are read follows from the shapes: DETR has one class more than labels, "nothing", and
a softmax; RT-DETR, RF-DETR and deformable ones have a sigmoid for each class; an export that puts
boxes and classes into one output (Ultralytics) has them as probabilities. The deployed form of
RT-DETR, D-FINE and DEIM asks for the picture's size and gives labels, boxes and scores finished.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from triton_models.kit.card import Card
from triton_models.kit.formats.format import (
    Candidates,
    Floats,
    Misfit,
    Shape,
    best_classes,
    corners_of,
    sigmoid,
    softmax,
)
from triton_models.kit.labels import COCO_BY_ID

_WANTS = (
    "outputs [1, queries, classes] and [1, queries, 4], in any order; or one "
    "[1, queries, 4 + classes]; or [1, queries] labels, [1, queries, 4] boxes and [1, queries] "
    "scores; of at most 1000 queries"
)
_MOST_QUERIES = 1000
"""More than any of the family has; what answers more is no set of queries but a grid."""


class Detr:
    """Boxes as centre and size, 0..1 of the input; no two queries name the same object."""

    usual: ClassVar[Mapping[str, Any]] = {
        "fit": "stretch",
        "colour": "rgb",
        "divide_by": 255.0,
        "iou": 1.0,
    }
    side_step: ClassVar[int] = 1

    def classes(self, shapes: Sequence[Shape], card: Card) -> int | None:
        """Return the number of classes without "nothing", which a finished list does not tell.

        See ``Format``.
        """
        if not shapes or any(not shape or shape[0] > _MOST_QUERIES for shape in shapes):
            raise Misfit(_WANTS)
        queries = shapes[0][0]
        if list(shapes) == [(queries,), (queries, 4), (queries,)]:
            return None
        if any(len(shape) != 2 for shape in shapes):
            raise Misfit(_WANTS)
        if len(shapes) == 1 and shapes[0][1] > 4:
            return shapes[0][1] - 4
        if len(shapes) != 2:
            raise Misfit(_WANTS)
        logits, boxes = (shapes[index] for index in _order(shapes))
        if boxes[1] != 4 or logits[0] != boxes[0] or logits[1] < 1:
            raise Misfit(_WANTS)
        with_nothing = {len(COCO_BY_ID) + 1, len(card.labels) + 1 if card.labels else 0}
        return logits[1] - (logits[1] in with_nothing)

    def decode(self, outputs: Sequence[Floats], card: Card) -> Candidates:
        """Return the candidates; see ``Format``."""
        if len(outputs) == 3:
            classes, corners, certain = outputs
            found = np.flatnonzero(certain >= np.float32(card.min_score))
            return Candidates(corners[found], certain[found], classes[found].astype(np.intp))
        if len(outputs) == 1:
            boxes, scores = outputs[0][:, :4], outputs[0][:, 4:]
        else:
            logits, boxes = (outputs[index] for index in _order([o.shape for o in outputs]))
            plain = logits.shape[1] == len(card.labels)
            scores = sigmoid(logits) if plain else softmax(logits)[:, :-1]
        found, best, labels = best_classes(scores, card.min_score)
        sides = np.array([card.width, card.height] * 2, np.float32)
        return Candidates(corners_of(boxes[found] * sides), best, labels)


def _order(shapes: Sequence[Shape]) -> tuple[int, int]:
    """Return which output holds the classes and which the boxes; of two fours the second does."""
    return (1, 0) if shapes[0][1] == 4 and shapes[1][1] != 4 else (0, 1)
