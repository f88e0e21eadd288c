"""What a model said of one frame, whichever way it was asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from triton_models.kit.objects import Objects


@dataclass(frozen=True, slots=True)
class Answer:
    """The objects of one frame, best first, and the model that found them.

    The numbers are single-precision floats widened, so they are equal from Triton and in process.
    """

    boxes: tuple[float, ...]
    """x1, y1, x2, y2 of each object, normalised; four numbers an object. May reach past 0..1."""
    scores: tuple[float, ...]
    labels: tuple[str, ...]
    model: str
    model_version: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no answer about a frame."""

    outcome: Literal["dropped", "failed"]
    reason: str
    model: str = ""


Outcome = Answer | Refusal


def answer_of(objects: Objects, labels: Sequence[str], model: str, version: str) -> Answer:
    """Return the answer for a model's array [n, 6] and the names [n] of its objects."""
    return Answer(
        boxes=tuple(objects[:, :4].ravel().tolist()),
        scores=tuple(objects[:, 4].tolist()),
        labels=tuple(labels),
        model=model,
        model_version=version,
    )
