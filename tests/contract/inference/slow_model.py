"""A model for Triton that takes its time and sees nothing: overload without a heavy network."""

from __future__ import annotations

from pathlib import Path

from streams.inference.cards import included_card, read_card
from streams.inference.configs import config_from, embedded_config, text_of

_MODEL = """\
import os
import sys
import time

sys.path[:0] = os.environ["PYTHONPATH"].split(os.pathsep)

import numpy as np  # noqa: E402
import triton_python_backend_utils as pb_utils  # noqa: E402


class TritonPythonModel:
    def execute(self, requests):
        return [self.answer(request) for request in requests]

    def answer(self, request):
        count = len(pb_utils.get_input_tensor_by_name(request, "JPEG").as_numpy())
        time.sleep({seconds} * count)
        return pb_utils.InferenceResponse(
            [
                pb_utils.Tensor("OBJECTS", np.zeros((count, 0, 6), np.float32)),
                pb_utils.Tensor("COUNT", np.zeros((count, 1), np.int32)),
                pb_utils.Tensor("LABELS", np.zeros((count, 0), np.object_)),
            ]
        )
"""


def put(repository: Path, name: str, seconds: float) -> None:
    """Put a model into the repository that looks at a picture for so many seconds, one at a time."""
    version = repository / name / "1"
    version.mkdir(parents=True)
    (version / "model.py").write_text(_MODEL.replace("{seconds}", str(seconds)), encoding="utf-8")
    card = read_card(included_card("yolox"), name)
    config = config_from(embedded_config(name, card, 1, "1"))
    (version.parent / "config.pbtxt").write_text(text_of(config), encoding="utf-8")
