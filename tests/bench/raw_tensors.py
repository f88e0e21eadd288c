"""A detector that is sent tensors: what it costs to prepare them here and to carry them over."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
from tritonclient import grpc

from streams.inference.cards import read_card
from streams.inference.client import TritonClient
from streams.inference.configs import OBJECTS, Tensor, model_config, text_of
from triton_models.kit.card import Card
from triton_models.kit.detector import prepare
from triton_models.kit.picture import decode_colour

_MODEL = """\
import json
import os
import sys
from pathlib import Path

sys.path[:0] = os.environ["PYTHONPATH"].split(os.pathsep)

import numpy as np  # noqa: E402
import triton_python_backend_utils as pb_utils  # noqa: E402

from triton_models.kit.backend import stacked  # noqa: E402
from triton_models.kit.build import checked_session  # noqa: E402
from triton_models.kit.detector import objects_in  # noqa: E402
from triton_models.kit.reading import card_from  # noqa: E402


class TritonPythonModel:
    def initialize(self, args):
        folder = Path(args["model_repository"]) / args["model_version"]
        self.card = card_from(json.loads((folder / "card.json").read_text()))
        self.labels = np.array([label.encode() for label in self.card.labels], np.object_)
        self.session = checked_session(self.card, folder / "model.onnx")

    def execute(self, requests):
        return [self.answer(request) for request in requests]

    def answer(self, request):
        tensor = pb_utils.get_input_tensor_by_name(request, "TENSOR").as_numpy()
        placement = pb_utils.get_input_tensor_by_name(request, "PLACEMENT").as_numpy()[0]
        outputs = [output[0] for output in self.session.run(tensor)]
        objects, counts = stacked([objects_in(outputs, self.card, placement)])
        return pb_utils.InferenceResponse(
            [
                pb_utils.Tensor("OBJECTS", objects),
                pb_utils.Tensor("COUNT", counts),
                pb_utils.Tensor("LABELS", self.labels[objects[:, :, 5].astype(np.intp)]),
            ]
        )
"""


def put(repository: Path, name: str, weights: Path, card_text: str) -> None:
    """Put the model into the repository."""
    card = read_card(card_text, name)
    version = repository / name / "1"
    version.mkdir(parents=True)
    (version / "model.py").write_text(_MODEL, encoding="utf-8")
    (version / "card.json").write_text(json.dumps(asdict(card)), encoding="utf-8")
    shutil.copyfile(weights, version / "model.onnx")
    inputs = (
        Tensor("TENSOR", "TYPE_FP32", (3, card.height, card.width)),
        Tensor("PLACEMENT", "TYPE_FP32", (4,)),
    )
    config = model_config(name, inputs, OBJECTS, batch=1)
    config.backend = "python"
    config.instance_group.add(count=2, kind="KIND_CPU")
    (version.parent / "config.pbtxt").write_text(text_of(config), encoding="utf-8")


def asking(url: str, name: str, card: Card) -> Callable[[tuple[bytes, bytes]], object]:
    """Load the model, and return what asks it about a JPEG that is prepared here."""
    loader = TritonClient(url)
    loader.load(name)
    loader.close()
    client = grpc.InferenceServerClient(url)

    def ask(question: tuple[bytes, bytes]) -> object:
        tensor, placement = prepare(decode_colour(question[0]), card)
        inputs = []
        for key, value in (("TENSOR", tensor[None]), ("PLACEMENT", placement[None])):
            inputs.append(grpc.InferInput(key, list(value.shape), "FP32"))
            inputs[-1].set_data_from_numpy(np.ascontiguousarray(value, np.float32))
        return client.infer(name, inputs).as_numpy("OBJECTS")

    return ask
