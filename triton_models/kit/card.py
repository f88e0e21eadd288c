"""A model card: what a model finds, how its input is made and how its output is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FOREGROUND = "foreground"
"""The decoding of the model that needs no weights."""


class BadCard(ValueError):
    """The card does not say what a card must say."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """One model's card, field for field as in ``model.yaml``."""

    name: str
    licence: str
    """SPDX identifier of the weights' licence."""
    decoding: str
    """Format of the network's output (``triton_models.kit.formats``), or ``foreground``."""
    labels: tuple[str, ...]
    """Class names; an object's label index points here."""
    stage: Literal["detector", "crop"] = "detector"
    """``crop``: it looks at cut-outs of what detectors found, and tells more about them."""
    about: str = ""
    source: str = ""
    """Where the weights come from."""
    sha256: str = ""
    """Of the weights, hex; empty: any file that fits."""
    width: int = 0
    """Input size, pixels."""
    height: int = 0
    fit: Literal["top-left", "centre", "stretch"] = "top-left"
    """Where the shrunk picture lies in the input; ``stretch`` fills it without keeping the aspect."""
    fill: int = 114
    """Grey value around the fitted picture."""
    colour: Literal["bgr", "rgb"] = "bgr"
    divide_by: float = 1.0
    """Pixels are divided by this: 1 keeps 0..255, 255 gives 0..1."""
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    """Taken off each channel after the division, in the card's colour order."""
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    """Each channel is divided by this in the end."""
    min_score: float = 0.1
    """Objects below are not returned."""
    iou: float = 0.45
    """Of two boxes of one class that overlap by more, the better one stays; 1 keeps both."""
    max_objects: int = 100

    @property
    def weightless(self) -> bool:
        """Whether the model needs no file of weights."""
        return self.decoding == FOREGROUND
