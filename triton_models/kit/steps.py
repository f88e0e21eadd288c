"""The Python steps of a stock Triton image: before its ONNX Runtime, and after it.

The same functions as in the embedded layout, so the same numbers; neither step needs onnxruntime.
A step's folder holds ``model.py``, ``card.json`` and this package; see ``streams.inference.stock``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import triton_python_backend_utils as pb_utils

from triton_models.kit.backend import CARD, labels_of, objects_response, refusal
from triton_models.kit.card import Card
from triton_models.kit.detector import objects_in, prepare
from triton_models.kit.formats import FORMATS
from triton_models.kit.formats.format import Misfit
from triton_models.kit.objects import ModelFailed
from triton_models.kit.picture import BadPicture, decode_colour
from triton_models.kit.reading import card_from

PIXELS, SIZE, PLACEMENT, OUTPUT = "PIXELS", "SIZE", "PLACEMENT", "OUTPUT"
_KINDS: dict[str, npt.DTypeLike] = {
    "TYPE_FP32": np.float32,
    "TYPE_FP16": np.float16,
    "TYPE_INT32": np.int32,
    "TYPE_INT64": np.int64,
}


class DecodeStep:
    """From JPEGs to the network's input, and where each picture lies in it."""

    def initialize(self, args: dict[str, str]) -> None:
        """Read the card."""
        cv2.setNumThreads(1)
        self._card = _card(args)
        config = json.loads(args["model_config"])
        self._picture = config["input"][0]["name"]
        self._kinds = {one["name"]: _KINDS[one["data_type"]] for one in config["output"]}

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request by itself: a bad one gets an error, the others their tensors."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        jpegs = pb_utils.get_input_tensor_by_name(request, self._picture).as_numpy().ravel()
        try:
            made = [prepare(decode_colour(bytes(jpeg)), self._card) for jpeg in jpegs]
        except BadPicture as error:
            return refusal(error, pb_utils.TritonError.INVALID_ARG)
        tensors = {
            PIXELS: np.stack([tensor for tensor, _ in made]),
            SIZE: np.tile(np.array([self._card.width, self._card.height]), (len(made), 1)),
            PLACEMENT: np.stack([placement for _, placement in made]),
        }
        return pb_utils.InferenceResponse(
            [
                pb_utils.Tensor(name, tensors[name].astype(kind, copy=False))
                for name, kind in self._kinds.items()
            ]
        )


class BoxesStep:
    """From the network's outputs to objects in the frame."""

    def initialize(self, args: dict[str, str]) -> None:
        """Read the card."""
        self._card = _card(args)
        self._labels = labels_of(self._card)
        inputs = json.loads(args["model_config"])["input"]
        self._names = [f"{OUTPUT}{index}" for index in range(len(inputs) - 1)]

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request by itself."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        outputs = [
            pb_utils.get_input_tensor_by_name(request, name)
            .as_numpy()
            .astype(np.float32, copy=False)
            for name in self._names
        ]
        placements = pb_utils.get_input_tensor_by_name(request, PLACEMENT).as_numpy()
        try:
            # Reading another network's output by this card would give boxes, only wrong ones.
            FORMATS[self._card.decoding].classes([each.shape[1:] for each in outputs], self._card)
            found = [
                objects_in([each[index] for each in outputs], self._card, placement)
                for index, placement in enumerate(placements)
            ]
        except (Misfit, ModelFailed) as error:
            return refusal(error, pb_utils.TritonError.INTERNAL)
        return objects_response(found, self._labels)


def _card(args: dict[str, str]) -> Card:
    folder = Path(args["model_repository"]) / args["model_version"]
    return card_from(json.loads((folder / CARD).read_text(encoding="utf-8")))
