"""From the values of a ``model.yaml`` or ``card.json`` to a card, with every fault named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, get_args, get_type_hints

from triton_models.kit.card import FOREGROUND, BadCard, Card
from triton_models.kit.formats import FORMATS

_CHECKED_TYPES = (str, int, float)
_CHANNELS = 3
_SIDES = (32, 4096)


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
    if not card.weightless:
        _check_input(card)
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
    if name in ("mean", "std"):
        if (
            not isinstance(value, list | tuple)
            or len(value) != _CHANNELS
            or not all(isinstance(v, int | float) and not isinstance(v, bool) for v in value)
        ):
            raise BadCard(f"{name} is {value!r}; it must be a list of three numbers")
        return tuple(float(v) for v in value)
    if value not in get_args(hint):
        raise BadCard(f"{name} is {value!r}; allowed are {', '.join(get_args(hint))}")
    return value


def _check_ranges(card: Card) -> None:
    decodings = (FOREGROUND, *FORMATS)
    if card.decoding not in decodings:
        raise BadCard(f"decoding is {card.decoding!r}; allowed are {', '.join(decodings)}")
    if not card.labels:
        raise BadCard("labels is empty: a model finds at least one class")
    if not 0 <= card.min_score <= 1 or not 0 <= card.iou <= 1:
        raise BadCard("min_score and iou must lie in 0..1")
    if not 1 <= card.max_objects <= 1000:
        raise BadCard(f"max_objects is {card.max_objects}; it must lie in 1..1000")
    if card.sha256 and (len(card.sha256) != 64 or set(card.sha256) - set("0123456789abcdef")):
        raise BadCard(f"sha256 is {card.sha256!r}; it must be 64 small hex digits, or empty")


def _check_input(card: Card) -> None:
    if not 0 <= card.fill <= 255 or card.divide_by <= 0 or min(card.std) <= 0:
        raise BadCard("fill must lie in 0..255, divide_by and std above 0")
    sides, step = (card.width, card.height), FORMATS[card.decoding].side_step
    low, high = _SIDES
    if not all(low <= side <= high and side % step == 0 for side in sides):
        raise BadCard(
            f"the input is {sides[0]}x{sides[1]}; sides must be multiples of {step} in {low}..{high}"
        )
