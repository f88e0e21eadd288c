"""From a card and a file of weights to a model that answers."""

from __future__ import annotations

from pathlib import Path

from triton_models.kit.card import BadCard, Card
from triton_models.kit.detector import Detector
from triton_models.kit.foreground import Foreground
from triton_models.kit.formats import FORMATS
from triton_models.kit.formats.format import Misfit
from triton_models.kit.objects import Model
from triton_models.kit.session import BadModelFile, Session, open_session


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
    return Detector(card, checked_session(card, model_file))


def checked_session(card: Card, model_file: Path) -> Session:
    """Open a file of weights whose shapes are those that its card asks for.

    Raises:
        BadModelFile: it is not ONNX, or its shapes are others.
    """
    session = open_session(model_file, (card.width, card.height))
    classes = count_classes(card, session, model_file.name)
    if classes not in (None, len(card.labels)):
        raise BadModelFile(
            f"{model_file.name} tells {classes} classes apart, and its card asks for "
            f"{len(card.labels)}"
        )
    return session


def count_classes(card: Card, session: Session, file: str) -> int | None:
    """Return how many classes a network tells apart; None: its outputs do not say.

    Raises:
        BadModelFile: the outputs are not of the card's format.
    """
    try:
        return FORMATS[card.decoding].classes(session.shapes, card)
    except Misfit as misfit:
        shapes = " and ".join(str([1, *shape]) for shape in session.shapes)
        raise BadModelFile(
            f"the output of {file} is {shapes}; the format {card.decoding} wants {misfit}"
        ) from misfit
