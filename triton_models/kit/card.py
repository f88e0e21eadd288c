"""A model card: what a model finds, how its input is made and how its output is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Literal, get_args, get_type_hints

Decoding = Literal["foreground", "yolox"]
_CHECKED_TYPES = (str, int, float)


class BadCard(ValueError):
    """The card does not say what a card must say."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """One model's card, field for field as in ``model.yaml``."""

    name: str
    licence: str
    """SPDX identifier of the weights' licence."""
    decoding: Decoding
    labels: tuple[str, ...]
    """Class names; an object's label index points here."""
    about: str = ""
    source: str = ""
    """Where the weights come from."""
    sha256: str = ""
    """Of the weights, hex; empty: any file that fits."""
    width: int = 0
    """Input size, pixels."""
    height: int = 0
    colour: Literal["bgr", "rgb"] = "bgr"
    divide_by: float = 1.0
    """Pixels are divided by this: 1 keeps 0..255, 255 gives 0..1."""
    fill: int = 114
    """Grey value around the fitted picture."""
    min_score: float = 0.1
    """Objects below are not returned."""
    iou: float = 0.45
    """Of two boxes of one class that overlap by more, the better one stays."""
    max_objects: int = 100

    @property
    def weightless(self) -> bool:
        """Whether the model needs no file of weights."""
        return self.decoding == "foreground"


def card_from(values: Mapping[str, Any]) -> Card:
    """Return the card with these values, as read from YAML or JSON.

    Raises:
        BadCard: a key is unknown or missing, or a value has the wrong type or range.
    """
    known = {field.name: field for field in fields(Card)}
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise BadCard(f"unknown keys {', '.join(unknown)}; allowed are {', '.join(known)}")
    needed = [f.name for f in known.values() if f.default is MISSING and f.name not in values]
    if needed:
        raise BadCard(f"the keys {', '.join(needed)} are missing")
    hints = get_type_hints(Card)
    card = Card(**{name: _checked(name, hints[name], value) for name, value in values.items()})
    _check_ranges(card)
    return card


def _checked(name: str, hint: Any, value: Any) -> Any:
    if hint in _CHECKED_TYPES:
        if isinstance(value, bool) or not isinstance(
            value, (int, float) if hint is float else hint
        ):
            raise BadCard(f"{name} is {value!r}; it must be of type {hint.__name__}")
        return hint(value)
    if name == "labels":
        if not isinstance(value, list | tuple) or not all(isinstance(v, str) and v for v in value):
            raise BadCard(f"labels is {value!r}; it must be a list of names")
        return tuple(value)
    if value not in get_args(hint):
        raise BadCard(f"{name} is {value!r}; allowed are {', '.join(get_args(hint))}")
    return value


def _check_ranges(card: Card) -> None:
    if not card.labels:
        raise BadCard("labels is empty: a model finds at least one class")
    if not 0 <= card.min_score <= 1 or not 0 <= card.iou <= 1:
        raise BadCard("min_score and iou must lie in 0..1")
    if not 1 <= card.max_objects <= 1000:
        raise BadCard(f"max_objects is {card.max_objects}; it must lie in 1..1000")
    if not 0 <= card.fill <= 255 or card.divide_by <= 0:
        raise BadCard("fill must lie in 0..255, and divide_by above 0")
    if card.sha256 and (len(card.sha256) != 64 or set(card.sha256) - set("0123456789abcdef")):
        raise BadCard(f"sha256 is {card.sha256!r}; it must be 64 small hex digits, or empty")
    sides = (card.width, card.height)
    if not card.weightless and not all(32 <= side <= 4096 and side % 32 == 0 for side in sides):
        raise BadCard(f"the input is {sides[0]}x{sides[1]}; sides must be multiples of 32")
