"""A classifier: one score for each class and no box, so the whole picture is what it names.

The exports of timm, torchvision and Keras. Meant for cut-outs, where each name that is sure enough
says something about the object.
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
    softmax,
    the_only,
)

_WANTS = "one output [1, classes], of two classes or more"
_ROUNDING = 1e-2
"""Probabilities add up to 1 but for this, in half precision too."""


class Classes:
    """Logits, or probabilities that add up to 1; all classes at or above ``min_score`` count."""

    usual: ClassVar[Mapping[str, Any]] = {
        "stage": "crop",
        "fit": "stretch",
        "colour": "rgb",
        "divide_by": 255.0,
        "mean": (0.485, 0.456, 0.406),
        "std": (0.229, 0.224, 0.225),
        "min_score": 0.3,
    }
    side_step: ClassVar[int] = 8

    def classes(self, shapes: Sequence[Shape], card: Card) -> int:
        """Return the number of classes; see ``Format``."""
        (count,) = the_only(shapes, 1, _WANTS)
        if count < 2:
            raise Misfit(_WANTS)
        return count

    def decode(self, outputs: Sequence[Floats], card: Card) -> Candidates:
        """Return the candidates, each with the whole input as its box; see ``Format``."""
        (raw,) = outputs
        scores = raw if are_probabilities(raw) else softmax(raw)
        labels = np.flatnonzero(scores >= np.float32(card.min_score))
        boxes = np.tile(np.array([0, 0, card.width, card.height], np.float32), (len(labels), 1))
        return Candidates(boxes, scores[labels], labels)


def are_probabilities(values: Floats) -> bool:
    """Tell whether the values of all classes are probabilities already.

    >>> are_probabilities(np.array([.25, .75])), are_probabilities(np.array([-1., 2.]))
    (True, False)
    """
    return bool(values.min() >= 0 and abs(float(values.sum()) - 1) <= _ROUNDING)
