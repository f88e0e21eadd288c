"""What a format is: it tells whether outputs are its own, and reads candidates out of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from triton_models.kit.card import Card

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]
Shape = tuple[int, ...]


class Misfit(ValueError):
    """The outputs are not of this format; the text says what the format wants."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Boxes that may be objects, before overlapping ones are suppressed."""

    boxes: Floats
    """[n, 4]: x1, y1, x2, y2 in pixels of the network's input."""
    scores: Floats
    """[n], 0..1, none below the card's ``min_score``."""
    labels: Indices
    """[n], class index."""


class Format(Protocol):
    """One way in which detectors write down what they found."""

    usual: ClassVar[Mapping[str, Any]]
    """Values of a card that detectors of this format have unless told otherwise."""
    side_step: ClassVar[int]
    """The input's sides are multiples of this, pixels."""

    def classes(self, shapes: Sequence[Shape], card: Card) -> int | None:
        """Return how many classes outputs of these shapes tell apart; None: they do not say.

        Args:
            shapes: of each output, without the batch.
            card: its labels may still be unknown (empty); its input size is known.

        Raises:
            Misfit: the shapes are not of this format.
        """

    def decode(self, outputs: Sequence[Floats], card: Card) -> Candidates:
        """Return the candidates in the outputs of one frame, each without the batch."""


def the_only(shapes: Sequence[Shape], dimensions: int, wants: str) -> Shape:
    """Return the shape of a single output with so many dimensions.

    Raises:
        Misfit: there are more outputs, or it has another number of dimensions.
    """
    if len(shapes) != 1 or len(shapes[0]) != dimensions:
        raise Misfit(wants)
    return shapes[0]


def best_classes(scores: Floats, min_score: float) -> tuple[Indices, Floats, Indices]:
    """Return rows whose best class reaches ``min_score``: row, score and class index, each [n].

    >>> best_classes(np.array([[.1, .7], [.2, .1]], np.float32), .5)[2].tolist()
    [1]
    """
    best = scores.max(axis=1)
    found = np.flatnonzero(best >= np.float32(min_score))
    return found, best[found], scores[found].argmax(axis=1)


def weighed_classes(
    objectness: Floats, classes: Floats, min_score: float
) -> tuple[Indices, Floats, Indices]:
    """Return the same of scores that are objectness [rows] times class [rows, classes].

    No class is more certain than 1, so where the objectness is too low the classes need no look.

    >>> weighed_classes(np.array([.1, .9]), np.array([[0, 1], [.5, .8]]), .5)[1].tolist()
    [0.7200000000000001]
    """
    rows = np.flatnonzero(objectness >= np.float32(min_score))
    found, best, labels = best_classes(objectness[rows, None] * classes[rows], min_score)
    return rows[found], best, labels


def corners_of(centres: Floats) -> Floats:
    """Return boxes [n, 4] given as centre and size (x, y, width, height) by their corners.

    >>> corners_of(np.array([[4, 4, 2, 6]], np.float32)).tolist()
    [[3.0, 1.0, 5.0, 7.0]]
    """
    middle, halves = centres[:, :2], centres[:, 2:4] / np.float32(2)
    return np.concatenate([middle - halves, middle + halves], axis=1, dtype=np.float32)


def sigmoid(logits: Floats) -> Floats:
    """Return 1 / (1 + e^-x) without overflow, by way of the hyperbolic tangent."""
    half = np.float32(0.5)
    return np.asarray(half * np.tanh(half * logits) + half, np.float32)


def softmax(logits: Floats) -> Floats:
    """Return the softmax over the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)
