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
)
from triton_models.kit.formats.grid import grid

_MIDDLE = {(8, 16, 32): 0.5, (8, 16, 32, 64): 0.0}
"""Strides to where a cell's point lies in it: NanoDet-Plus, with four levels, takes the corner."""
_BINS = 8
"""Of one distance (``reg_max`` 7), where the labels do not tell otherwise."""


class NanoDet:
    """Output [cells, classes + 4 * bins]: class scores through a sigmoid, then the distributions.

    Or, as early exports, two outputs for each level of the pyramid: scores and distributions.
    """

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
        wants = (
            f"one output [1, {cells}, classes + 4 x {_BINS}], or for each level one of classes and "
            f"one of 4 x {_BINS}"
        )
        if not all(len(shape) == 2 for shape in shapes):
            raise Misfit(wants)
        levels = _levels([shape[0] for shape in shapes])
        if sum(shapes[level[0]][0] for level in levels) not in counts:
            raise Misfit(wants)
        widths = {sum(shapes[index][1] for index in level) for level in levels}
        parts = {len(level) for level in levels}
        if len(widths) != 1 or parts not in ({1}, {2}):
            raise Misfit(wants)
        (columns,) = widths
        if parts == {2}:
            return shapes[levels[0][0]][1]
        known = len(card.labels)
        if known and columns > known and (columns - known) % 4 == 0:
            return known
        if columns <= 4 * _BINS:
            raise Misfit(wants)
        return columns - 4 * _BINS

    def decode(self, outputs: Sequence[Floats], card: Card) -> Candidates:
        """Return the candidates; see ``Format``."""
        levels = _levels([len(output) for output in outputs])
        raw = np.concatenate([np.hstack([outputs[index] for index in level]) for level in levels])
        cells, strides, middle = _level(card, len(raw))
        classes = len(card.labels)
        found, scores, labels = best_classes(raw[:, :classes], card.min_score)
        bins = np.arange((raw.shape[1] - classes) // 4, dtype=np.float32)
        spread = softmax(raw[found, classes:].reshape(len(found), 4, len(bins)))
        distances = (spread @ bins) * strides[found]
        points = (cells[found] + np.float32(middle)) * strides[found]
        boxes = np.concatenate([points - distances[:, :2], points + distances[:, 2:]], axis=1)
        return Candidates(boxes, scores, labels)


def _levels(counts: Sequence[int]) -> list[list[int]]:
    """Return which outputs belong to each level, the finest first; those of classes come first.

    >>> _levels([16, 4, 16, 4])
    [[0, 2], [1, 3]]
    """
    return [
        [index for index, one in enumerate(counts) if one == count]
        for count in sorted(set(counts), reverse=True)
    ]


def _level(card: Card, count: int) -> tuple[Floats, Floats, float]:
    for strides, middle in _MIDDLE.items():
        cells, steps = grid(card.width, card.height, strides)
        if len(cells) == count:
            return cells, steps, middle
    raise AssertionError("the shape was checked when the model was built")
