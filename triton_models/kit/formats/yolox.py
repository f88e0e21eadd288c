"""YOLOX without its decoding: the grid is applied here (Ge et al. 2021, arXiv:2107.08430)."""

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
    the_only,
    weighed_classes,
)
from triton_models.kit.formats.grid import grid

STRIDES = (8, 16, 32)


class Yolox:
    """Output [cells, 5 + classes]: centre offset, log size, objectness and class scores.

    Offsets and sizes are in cells; the scores have gone through a sigmoid.
    """

    usual: ClassVar[Mapping[str, Any]] = {"fit": "top-left", "colour": "bgr"}
    side_step: ClassVar[int] = 32

    def classes(self, shapes: Sequence[Shape], card: Card) -> int:
        """Return the number of classes; see ``Format``."""
        cells = len(grid(card.width, card.height, STRIDES)[0])
        wants = f"one output [1, {cells}, 5 + classes]"
        found, columns = the_only(shapes, 2, wants)
        if found != cells or columns < 6:
            raise Misfit(wants)
        return columns - 5

    def decode(self, outputs: Sequence[Floats], card: Card) -> Candidates:
        """Return the candidates; see ``Format``."""
        (raw,) = outputs
        cells, strides = grid(card.width, card.height, STRIDES)
        found, scores, labels = weighed_classes(raw[:, 4], raw[:, 5:], card.min_score)
        raw = raw[found]
        centres = (raw[:, :2] + cells[found]) * strides[found]
        halves = np.exp(raw[:, 2:4]) * strides[found] / np.float32(2)
        return Candidates(np.concatenate([centres - halves, centres + halves], 1), scores, labels)
