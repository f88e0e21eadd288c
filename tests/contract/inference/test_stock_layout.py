"""A real Triton takes the exported ensemble, and gives what the model gives in this process.

The embedded Triton has no ONNX Runtime backend, so a Python model of three lines stands in its
place; the ensemble, its tensors and the steps are those that are exported.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from schemas.errors import Rejected
from streams.inference.client import TritonClient
from streams.inference.configs import config_from, text_of
from streams.inference.importing import card_of
from streams.inference.local import LocalModel
from streams.inference.stock import export
from tests.contract.inference.conftest import WEIGHTS, Place
from tests.contract.inference.test_triton_equals_local import clip
from tests.fixtures import fixture
from tests.unit.streams.inference import scenes
from tests.unit.triton_models.networks import Side, constant

NETWORK = """\
import json, os, sys

sys.path[:0] = os.environ["PYTHONPATH"].split(os.pathsep)

import onnxruntime
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def initialize(self, args):
        config = json.loads(args["model_config"])
        folder = f"{args['model_repository']}/{args['model_version']}"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(f"{folder}/model.onnx", options)
        self.input = config["input"][0]["name"]
        self.outputs = [output["name"] for output in config["output"]]

    def execute(self, requests):
        return [self.answer(request) for request in requests]

    def answer(self, request):
        tensor = pb_utils.get_input_tensor_by_name(request, self.input).as_numpy()
        values = self.session.run(self.outputs, {self.input: tensor})
        tensors = [pb_utils.Tensor(n, v) for n, v in zip(self.outputs, values, strict=True)]
        return pb_utils.InferenceResponse(tensors)
"""


def served(place: Place, name: str, card: str, weights: Path, folder: Path) -> TritonClient:
    """Export a model, put it into the embedded Triton's repository and load it."""
    names = export(folder, name, card, weights, version="3")
    network = folder / f"{name}_network"
    config = config_from((network / "config.pbtxt").read_text(encoding="utf-8"))
    config.backend = "python"
    (network / "config.pbtxt").write_text(text_of(config), encoding="utf-8")
    (network / "3" / "model.py").write_text(NETWORK, encoding="utf-8")
    for step in ("decode", "boxes"):
        script = folder / f"{name}_{step}" / "3" / "model.py"
        # The embedded Triton's interpreter is isolated; that of an image has its own packages.
        text = "import os, sys\nsys.path[:0] = os.environ['PYTHONPATH'].split(os.pathsep)\n"
        script.write_text(text + script.read_text(encoding="utf-8"), encoding="utf-8")
    for one in names:
        shutil.copytree(folder / one, place.repository / one)
    client = TritonClient(place.triton)
    client.load(name)
    return client


@pytest.mark.parametrize("batch", [1, "batch"])
def test_an_ensemble_of_a_small_network(
    client: TritonClient, place: Place, tmp_path: Path, batch: Side
) -> None:
    finished = np.zeros((300, 6), np.float32)
    finished[0] = 0, 16, 32, 48, 0.9, 1
    weights = constant(tmp_path / "m.onnx", [finished], batch=batch)
    name = f"small{batch}"
    card = card_of(weights, name, {"decoding": "yolo", "labels": ["person", "car"]})
    stock = served(place, name, card, weights, tmp_path / "out")
    frame = scenes.jpeg(scenes.ground())
    there, here = (
        stock.infer(name, frame),
        LocalModel(name, weights, card=card, version="3").infer(frame),
    )
    assert there == here and here.labels == ("car",)
    with pytest.raises(Rejected) as refused:
        stock.infer(name, b"text")
    assert refused.value.reason == "bad-jpeg"
    stock.close()


def test_an_ensemble_of_yolox(client: TritonClient, place: Place, tmp_path: Path) -> None:
    weights = fixture(WEIGHTS)
    card = card_of(weights, "stock", {})
    stock = served(place, "stock", card, weights, tmp_path / "out")
    frame = next(clip("videos/vtest_480x360_10fps.mp4", 1))
    there = stock.infer("stock", frame)
    assert there == LocalModel("stock", weights, card=card, version="3").infer(frame)
    assert "person" in there.labels
    stock.close()
