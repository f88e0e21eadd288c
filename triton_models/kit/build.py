"""From a card and a file of weights to a model that answers: one line here for each decoding."""

from __future__ import annotations

from pathlib import Path

from triton_models.kit.card import BadCard, Card
from triton_models.kit.foreground import Foreground
from triton_models.kit.objects import Model
from triton_models.kit.session import BadModelFile, open_session
from triton_models.kit.yolox import Yolox, grid


def build(card: Card, model_file: Path | None) -> Model:
    """Return the model of a card; ``model_file`` holds its weights where it needs any.

    Raises:
        BadCard: weights are missing, or given to a model without.
        BadModelFile: the file is not ONNX, or its shapes are not what the card says.
    """
    if card.weightless:
        if model_file is not None:
            raise BadCard(f"the model {card.name} has no weights, yet {model_file.name} was given")
        return Foreground(card)
    if model_file is None:
        raise BadCard(f"the model {card.name} needs a file of weights (ONNX)")
    session = open_session(model_file)
    cells = len(grid(card.width, card.height)[0])
    _check_shape(model_file.name, "input", session.get_inputs(), (1, 3, card.height, card.width))
    _check_shape(model_file.name, "output", session.get_outputs(), (1, cells, 5 + len(card.labels)))
    return Yolox(card, session)


def _check_shape(name: str, side: str, ends: list[object], expected: tuple[int, ...]) -> None:
    shape = getattr(ends[0], "shape", None) if ends else None
    # A dimension that is a name, or None, fits anything.
    fits = (
        len(ends) == 1
        and isinstance(shape, list)
        and len(shape) == len(expected)
        and all(not isinstance(s, int) or s == e for s, e in zip(shape, expected, strict=True))
    )
    if not fits:
        raise BadModelFile(f"the {side} of {name} is {shape}; its card asks for {list(expected)}")
