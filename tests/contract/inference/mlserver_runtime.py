"""What MLServer calls: the same ``build`` and ``infer`` as in process. Runs in MLServer's environment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.errors import InferenceError
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput

from triton_models.kit.build import build
from triton_models.kit.picture import BadPicture
from triton_models.kit.reading import card_from


class KitModel(MLModel):  # type: ignore[misc]
    """One model of ours; ``parameters.extra`` names its card and its weights."""

    async def load(self) -> bool:
        """Read the card and build the model."""
        extra: dict[str, str] = self.settings.parameters.extra
        card = card_from(json.loads(Path(extra["card"]).read_text(encoding="utf-8")))
        weights = Path(extra["weights"]) if extra.get("weights") else None
        self._labels = [label.encode() for label in card.labels]
        self._model = build(card, weights)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Return the objects of each picture."""
        given = {one.name: _texts(one.data) for one in payload.inputs}
        jpegs = given["JPEG"]
        blocks = given.get("BACKGROUND", [b""] * len(jpegs))
        try:
            found = [self._model.infer(*pair) for pair in zip(jpegs, blocks, strict=True)]
        except BadPicture as error:
            raise InferenceError(str(error)) from error
        most = max(len(objects) for objects in found)
        stacked = np.zeros((len(found), most, 6), np.float32)
        for row, objects in zip(stacked, found, strict=True):
            row[: len(objects)] = objects
        counts = np.array([[len(objects)] for objects in found], np.int32)
        labels = [self._labels[int(index)] for index in stacked[:, :, 5].ravel()]
        return InferenceResponse(
            id=payload.id,
            model_name=self.name,
            model_version=self.version,
            outputs=[
                NumpyCodec.encode_output("OBJECTS", stacked),
                NumpyCodec.encode_output("COUNT", counts),
                ResponseOutput(
                    name="LABELS", datatype="BYTES", shape=[len(found), most], data=labels
                ),
            ],
        )


def _texts(data: Any) -> list[bytes]:
    values = getattr(data, "root", data)
    return [one.encode() if isinstance(one, str) else bytes(one) for one in values]
