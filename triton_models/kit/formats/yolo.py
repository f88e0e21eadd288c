"""YOLO as Ultralytics and its relatives export it: boxes already in pixels of the input.

The shape tells the head apart: v5, v6 and v7 have an objectness and a row for each anchor; v8, v9,
v11 and v12 have none and a column for each anchor; v10 and v26 need no suppression and give the
finished list.
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
    the_only,
    weighed_classes,
)

_WANTS = "one output [1, anchors, 5 + classes], [1, 4 + classes, anchors] or [1, objects, 6]"
_MOST_FINISHED = 1000
"""A finished list is this long at most; anchors are more, for any input worth looking at."""


class Yolo:
    """Centre, size, objectness and class scores of each anchor, or finished boxes."""

    usual: ClassVar[Mapping[str, Any]] = {"fit": "centre", "colour": "rgb", "divide_by": 255.0}
    side_step: ClassVar[int] = 32

    def classes(self, shapes: Sequence[Shape], card: Card) -> int | None:
        """Return the number of classes, which a finished list does not tell; see ``Format``."""
        rows, columns = the_only(shapes, 2, _WANTS)
        if is_finished((rows, columns)):
            return None
        classes = rows - 4 if rows < columns else columns - 5
        if classes < 1:
            raise Misfit(_WANTS)
        return classes

    def decode(self, outputs: Sequence[Floats], card: Card) -> Candidates:
        """Return the candidates; see ``Format``."""
        (raw,) = outputs
        if is_finished(raw.shape):
            kept = raw[raw[:, 4] >= np.float32(card.min_score)]
            return Candidates(kept[:, :4], kept[:, 4], kept[:, 5].astype(np.intp))
        if raw.shape[0] < raw.shape[1]:
            raw = raw.T
            found, scores, labels = best_classes(raw[:, 4:], card.min_score)
        else:
            found, scores, labels = weighed_classes(raw[:, 4], raw[:, 5:], card.min_score)
        return Candidates(corners_of(raw[found]), scores, labels)


def is_finished(shape: Shape) -> bool:
    """Tell whether an output of this shape lists corners, score and label of each object.

    >>> is_finished((300, 6)), is_finished((25200, 6)), is_finished((6, 8400))
    (True, False, False)
    """
    return shape[1] == 6 and shape[0] <= _MOST_FINISHED
