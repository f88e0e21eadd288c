"""FastestDet: one level of cells, each with one box (dog-qiuqiu/FastestDet, example/onnx-runtime)."""

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
    corners_of,
    sigmoid,
    the_only,
    weighed_classes,
)

_OBJECTNESS, _CLASS = np.float32(0.6), np.float32(0.4)
"""Exponents of the two factors of a score."""


class FastestDet:
    """Output [5 + classes, rows, columns]: objectness, offset, size, class probabilities.

    The offset in cells goes through a hyperbolic tangent, the size as a part of the picture through
    a sigmoid; objectness and classes are probabilities already.
    """

    usual: ClassVar[Mapping[str, Any]] = {"fit": "stretch", "colour": "bgr", "divide_by": 255.0}
    side_step: ClassVar[int] = 32

    def classes(self, shapes: Sequence[Shape], card: Card) -> int:
        """Return the number of classes; see ``Format``."""
        wants = "one output [1, 5 + classes, rows, columns]"
        channels, rows, columns = the_only(shapes, 3, wants)
        if channels < 6 or min(rows, columns) < 1:
            raise Misfit(wants)
        return channels - 5

    def decode(self, outputs: Sequence[Floats], card: Card) -> Candidates:
        """Return the candidates; see ``Format``."""
        (raw,) = outputs
        _, rows, columns = raw.shape
        cells = raw.reshape(raw.shape[0], -1).T
        objectness = np.maximum(cells[:, 0], 0) ** _OBJECTNESS
        maybe = np.flatnonzero(objectness >= np.float32(card.min_score))
        classes = np.maximum(cells[maybe, 5:], 0) ** _CLASS
        found, best, labels = weighed_classes(objectness[maybe], classes, card.min_score)
        found = maybe[found]
        cells = cells[found]
        corner = np.stack([found % columns, found // columns], axis=1).astype(np.float32)
        middle = (corner + np.tanh(cells[:, 1:3])) / np.array([columns, rows], np.float32)
        size = sigmoid(cells[:, 3:5])
        sides = np.array([card.width, card.height] * 2, np.float32)
        return Candidates(corners_of(np.concatenate([middle, size], 1) * sides), best, labels)
