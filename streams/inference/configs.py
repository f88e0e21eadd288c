"""``config.pbtxt``: what Triton is told of a model, written by its own schema."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from triton_models.kit.card import Card

MAX_BATCH = 16
JPEG, BACKGROUND = "JPEG", "BACKGROUND"
CROP = "CROP"
"""In the place of ``JPEG`` at models of the second stage: so their metadata tells what they are."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input or output of a model, without the batch."""

    name: str
    kind: str
    """Of Triton's data types, as ``TYPE_FP32``."""
    sides: tuple[int, ...]
    """-1: any."""


OBJECTS = (
    Tensor("OBJECTS", "TYPE_FP32", (-1, 6)),
    Tensor("COUNT", "TYPE_INT32", (1,)),
    Tensor("LABELS", "TYPE_STRING", (-1,)),
)
"""What every model answers; see ``triton_models.kit.objects``."""


def questions(card: Card) -> tuple[Tensor, ...]:
    """Return what a model is asked: a JPEG, and thumbnails where it needs earlier frames."""
    picture = CROP if card.stage == "crop" else JPEG
    names = (picture, BACKGROUND) if card.weightless else (picture,)
    return tuple(Tensor(name, "TYPE_STRING", (1,)) for name in names)


def model_config(
    name: str, inputs: Sequence[Tensor], outputs: Sequence[Tensor], *, batch: int = MAX_BATCH
) -> Any:
    """Return a ``ModelConfig`` with these tensors.

    Args:
        name: of the model.
        inputs: without the batch.
        outputs: without the batch.
        batch: the most frames of one request; 0: none is formed, and each tensor has a first
            dimension of 1 in its place, so that a request of one frame is the same.
    """
    config = model_config_pb2.ModelConfig(name=name, max_batch_size=batch)
    for tensors, into in ((inputs, config.input), (outputs, config.output)):
        for tensor in tensors:
            sides = tensor.sides if batch else (1, *tensor.sides)
            into.add(name=tensor.name, data_type=tensor.kind, dims=sides)
    return config


def embedded_config(name: str, card: Card, instances: int, version: str) -> str:
    """Return the text for the layout of one Python model that does everything.

    Batches are not formed by waiting: such a model answers frame by frame and would gain nothing.

    Args:
        name: of the model.
        card: whether it needs earlier frames.
        instances: how many requests it answers at once.
        version: the one that is served.
    """
    config = model_config(name, questions(card), OBJECTS)
    config.backend = "python"
    config.instance_group.add(count=instances, kind="KIND_CPU")
    config.version_policy.specific.versions.append(int(version))
    return text_of(config)


def text_of(config: Any) -> str:
    """Return a ``ModelConfig`` as the text of a ``config.pbtxt``."""
    return str(text_format.MessageToString(config))


def config_from(text: str) -> Any:
    """Return the ``ModelConfig`` that a text holds.

    Raises:
        google.protobuf.text_format.ParseError: it is not one.
    """
    return text_format.Parse(text, model_config_pb2.ModelConfig())
