"""NanoDet and NanoDet-Plus: distances to the sides as distributions over whole strides.

Generalised focal loss (Li et al. 2020, arXiv:2006.04388); the exports of RangiLyu/nanodet.
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
    softmax,
    the_only,
)
from triton_models.kit.formats.grid import grid

_MIDDLE = {(8, 16, 32): 0.5, (8, 16, 32, 64): 0.0}
"""Strides to where a cell's point lies in it: NanoDet-Plus, with four levels, takes the corner."""
_BINS = 8
"""Of one distance (``reg_max`` 7), where the labels do not tell otherwise."""


class NanoDet:
    """Output [cells, classes + 4 * bins]: class scores through a sigmoid, then the distributions."""

    usual: ClassVar[Mapping[str, Any]] = {
        "fit": "stretch",
        "colour": "bgr",
        "mean": (103.53, 116.28, 123.675),
        "std": (57.375, 57.12, 58.395),
        "iou": 0.6,
    }
    side_step: ClassVar[int] = 32

    def classes(self, shapes: Sequence[Shape], card: Card) -> int:
        """Return the number of classes; see ``Format``."""
        counts = {len(grid(card.width, card.height, strides)[0]) for strides in _MIDDLE}
        cells = " or ".join(map(str, sorted(counts)))
        wants = f"one output [1, {cells}, classes + 4 x {_BINS}]"
        found, columns = the_only(shapes, 2, wants)
        if found not in counts:
            raise Misfit(wants)
        known = len(card.labels)
        if known and columns > known and (columns - known) % 4 == 0:
            return known
        if columns <= 4 * _BINS:
            raise Misfit(wants)
        return columns - 4 * _BINS

    def decode(self, outputs: Sequence[Floats], card: Card) -> Candidates:
        """Return the candidates; see ``Format``."""
        (raw,) = outputs
        cells, strides, middle = _level(card, len(raw))
        classes = len(card.labels)
        found, scores, labels = best_classes(raw[:, :classes], card.min_score)
        bins = np.arange((raw.shape[1] - classes) // 4, dtype=np.float32)
        spread = softmax(raw[found, classes:].reshape(len(found), 4, len(bins)))
        distances = (spread @ bins) * strides[found]
        points = (cells[found] + np.float32(middle)) * strides[found]
        boxes = np.concatenate([points - distances[:, :2], points + distances[:, 2:]], axis=1)
        return Candidates(boxes, scores, labels)


def _level(card: Card, count: int) -> tuple[Floats, Floats, float]:
    for strides, middle in _MIDDLE.items():
        cells, steps = grid(card.width, card.height, strides)
        if len(cells) == count:
            return cells, steps, middle
    raise AssertionError("the shape was checked when the model was built")
