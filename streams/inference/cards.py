"""Model cards as YAML text: reading them, and those that come with Sightline."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import yaml

from schemas.errors import Rejected
from triton_models.kit.card import BadCard, Card
from triton_models.kit.reading import card_from

CARD_FILE = "model.yaml"


def read_card(text: str, where: str) -> Card:
    """Return the card that a YAML text holds; ``where`` names it in messages.

    Raises:
        Rejected: it is not YAML, or does not say what a card must say.
    """
    values = read_values(text, where)
    try:
        return card_from(values)
    except BadCard as error:
        raise Rejected(f"the model card {where}: {error}", reason="bad-card") from error


def read_values(text: str, where: str) -> dict[str, Any]:
    """Return the keys and values of a YAML text, whatever they are and however few.

    Raises:
        Rejected: it is not a map in YAML.
    """
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        told = " ".join(str(error).split())
        raise Rejected(f"the model card {where} is not YAML: {told}", reason="bad-card") from error
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise Rejected(f"the model card {where} must be a map of keys", reason="bad-card")
    return values


def included_cards() -> tuple[str, ...]:
    """Return the names of the cards that come with Sightline."""
    folders = files("triton_models").iterdir()
    return tuple(sorted(f.name for f in folders if f.joinpath(CARD_FILE).is_file()))


def included_card(name: str) -> str:
    """Return the YAML text of a card that comes with Sightline.

    Raises:
        Rejected: there is none of this name.
    """
    if name not in included_cards():
        raise Rejected(
            f"there is no model card {name!r}; those included are {', '.join(included_cards())}",
            reason="unknown-model",
        )
    return files("triton_models").joinpath(name, CARD_FILE).read_text(encoding="utf-8")
