"""What Triton's python backend calls: the same ``build`` and ``infer`` as in process.

A version's folder holds ``model.py`` (which imports this), ``card.json`` and, with weights,
``model.onnx``; see ``streams.inference.repository``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import triton_python_backend_utils as pb_utils

from triton_models.kit.build import build
from triton_models.kit.card import Card
from triton_models.kit.objects import ModelFailed, Objects
from triton_models.kit.picture import BadPicture
from triton_models.kit.reading import card_from
from triton_models.kit.thumbnails import BadThumbnails

Labels = npt.NDArray[np.object_]

CARD = "card.json"
WEIGHTS = "model.onnx"


class TritonPythonModel:
    """One instance of one version of one model."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the version's card and weights; Triton keeps the last version when this raises."""
        # As many instances run as there are cores: none of them takes more than one.
        cv2.setNumThreads(1)
        folder = Path(args["model_repository"]) / args["model_version"]
        card = card_from(json.loads((folder / CARD).read_text(encoding="utf-8")))
        self._picture = "CROP" if card.stage == "crop" else "JPEG"
        self._labels = labels_of(card)
        self._model = build(card, None if card.weightless else folder / WEIGHTS)

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request by itself: a bad one gets an error, the others their objects."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        jpegs = pb_utils.get_input_tensor_by_name(request, self._picture).as_numpy().ravel()
        behind = pb_utils.get_input_tensor_by_name(request, "BACKGROUND")
        blocks = [b""] * len(jpegs) if behind is None else behind.as_numpy().ravel()
        try:
            found = [
                self._model.infer(bytes(jpeg), bytes(block))
                for jpeg, block in zip(jpegs, blocks, strict=True)
            ]
        except (BadPicture, BadThumbnails) as error:
            return refusal(error, pb_utils.TritonError.INVALID_ARG)
        except ModelFailed as error:
            return refusal(error, pb_utils.TritonError.INTERNAL)
        return objects_response(found, self._labels)


def labels_of(card: Card) -> Labels:
    """Return the card's labels as Triton carries texts."""
    return np.array([label.encode() for label in card.labels], np.object_)


def objects_response(found: list[Objects], labels: Labels) -> Any:
    """Return the answer to a request of one or more frames."""
    objects, counts = stacked(found)
    return pb_utils.InferenceResponse(
        [
            pb_utils.Tensor("OBJECTS", objects),
            pb_utils.Tensor("COUNT", counts),
            pb_utils.Tensor("LABELS", labels[objects[:, :, 5].astype(np.intp)]),
        ]
    )


def refusal(error: Exception, code: Any) -> Any:
    """Return the answer to a request that is refused."""
    return pb_utils.InferenceResponse(error=pb_utils.TritonError(str(error), code))


def stacked(found: list[Objects]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]]:
    """Return the objects of a batch as [batch, most, 6], filled with zeros, and counts [batch, 1]."""
    most = max(len(objects) for objects in found)
    batch = np.zeros((len(found), most, 6), np.float32)
    for row, objects in zip(batch, found, strict=True):
        row[: len(objects)] = objects
    counts = np.array([[len(objects)] for objects in found], np.int32)
    return batch, counts
