"""Tiny ONNX networks that answer the same whatever they see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Floats = npt.NDArray[np.float32]
Side = int | str
OPSET, IR = 17, 8


def constant(
    path: Path,
    outputs: Sequence[Floats],
    *,
    size: tuple[Side, Side] = (64, 64),
    channels: Side = 3,
    batch: Side = 1,
    told: bool = True,
    half: bool = False,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Write a network that gives ``outputs``, each without its batch, and return its path.

    Args:
        path: where to.
        outputs: what it answers for a picture.
        size: width and height of its input; a name leaves a side open.
        channels: of its input.
        batch: of its input; with a name it answers as many pictures as it is given.
        told: whether the file says what shapes the outputs have.
        half: whether it computes in half precision.
        metadata: what an exporter would write into the file.
    """
    nodes, ends, constants = [], [], []
    kind = TensorProto.FLOAT16 if half else TensorProto.FLOAT
    if batch != 1:
        nodes.append(helper.make_node("Shape", ["images"], ["count"], start=0, end=1))
    for index, output in enumerate(outputs):
        name = f"output{index}"
        constants.append(
            numpy_helper.from_array(
                output[None].astype(np.float16 if half else np.float32), f"value{index}"
            )
        )
        if batch == 1:
            nodes.append(helper.make_node("Identity", [f"value{index}"], [name]))
        else:
            sides = np.array(output.shape, np.int64)
            constants.append(numpy_helper.from_array(sides, f"sides{index}"))
            nodes.append(
                helper.make_node("Concat", ["count", f"sides{index}"], [f"all{index}"], axis=0)
            )
            nodes.append(helper.make_node("Expand", [f"value{index}", f"all{index}"], [name]))
        shape: list[Side] = [batch, *output.shape]
        if not told:
            shape = [batch, *(f"side{index}_{n}" for n in range(output.ndim))]
        ends.append(helper.make_tensor_value_info(name, kind, shape))
    picture = helper.make_tensor_value_info("images", kind, [batch, channels, size[1], size[0]])
    graph = helper.make_graph(nodes, "constant", [picture], ends, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    helper.set_model_props(model, dict(metadata or {}))
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path
