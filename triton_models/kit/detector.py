"""A detector in three steps: from a JPEG to a tensor, through the network, to objects.

The first and the last are functions of their own, because a stock Triton image runs them before
and after its own ONNX Runtime.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from triton_models.kit.card import Card
from triton_models.kit.formats import FORMATS
from triton_models.kit.formats.format import Floats
from triton_models.kit.letterbox import Placement, letterbox
from triton_models.kit.nms import suppress
from triton_models.kit.objects import NO_OBJECTS, ModelFailed, Objects
from triton_models.kit.picture import Colour, decode_colour


class Network(Protocol):
    """What computes the outputs; ``triton_models.kit.session.Session`` is one."""

    def run(self, tensor: Floats) -> list[Floats]:
        """Return the outputs for an input [1, 3, height, width].

        Raises:
            ModelFailed: the network fails, or answers in other shapes than before.
        """


class Detector:
    """A network with what its card says of its input and its output."""

    def __init__(self, card: Card, network: Network) -> None:
        self._card = card
        self._network = network

    def infer(self, jpeg: bytes, background: bytes) -> Objects:
        """Return the objects in a frame; ``background`` is not used.

        Raises:
            BadPicture: the JPEG cannot be decoded.
            ModelFailed: the network cannot answer.
        """
        tensor, placement = prepare(decode_colour(jpeg), self._card)
        outputs = self._network.run(tensor[None])
        return objects_in([output[0] for output in outputs], self._card, placement)


def prepare(picture: Colour, card: Card) -> tuple[Floats, Placement]:
    """Return the network's input float32 [3, height, width], and where the picture lies in it.

    Args:
        picture: uint8 [rows, columns, 3], blue first.
        card: size, fit, colour order and normalisation.
    """
    fitted, placement = letterbox(picture, card.width, card.height, card.fit, card.fill)
    if card.colour == "rgb":
        fitted = fitted[:, :, ::-1]
    tensor = np.ascontiguousarray(fitted.transpose(2, 0, 1), dtype=np.float32)
    if card.divide_by != 1:
        tensor /= np.float32(card.divide_by)
    if any(card.mean):
        tensor -= np.array(card.mean, np.float32)[:, None, None]
    if any(side != 1 for side in card.std):
        tensor /= np.array(card.std, np.float32)[:, None, None]
    return tensor, placement


def objects_in(outputs: Sequence[Floats], card: Card, placement: Placement) -> Objects:
    """Return the objects in the network's outputs of one frame, each without the batch.

    Raises:
        ModelFailed: the network names a class that the card has no label for.
    """
    found = FORMATS[card.decoding].decode(outputs, card)
    if not found.scores.size:
        return NO_OBJECTS
    kept = suppress(found.boxes, found.scores, found.labels, card.iou, card.max_objects)
    labels = found.labels[kept]
    if labels.max() >= len(card.labels) or labels.min() < 0:
        raise ModelFailed(
            f"the network names class {labels.max()}, and the card has {len(card.labels)} labels"
        )
    size, corner = np.tile(placement[:2], 2), np.tile(placement[2:], 2)
    columns = ((found.boxes[kept] - corner) / size, found.scores[kept, None], labels[:, None])
    return np.concatenate(columns, axis=1, dtype=np.float32)
