"""Tiny ONNX networks that answer the same whatever they see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Numbers = npt.NDArray[np.float32] | npt.NDArray[np.int64]
Side = int | str
OPSET, IR = 17, 8


def constant(
    path: Path,
    outputs: Sequence[Numbers],
    *,
    size: tuple[Side, Side] = (64, 64),
    channels: Side = 3,
    batch: Side = 1,
    told: bool = True,
    half: bool = False,
    sized: bool = False,
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
        sized: whether a second input takes the picture's size, by which the second output, boxes
            [n, 4] in parts of the picture, is multiplied.
        metadata: what an exporter would write into the file.
    """
    nodes, ends, constants = [], [], []
    kind = TensorProto.FLOAT16 if half else TensorProto.FLOAT
    if batch != 1:
        nodes.append(helper.make_node("Shape", ["images"], ["count"], start=0, end=1))
    for index, output in enumerate(outputs):
        name = f"output{index}"
        made = f"{name}_parts" if sized and index == 1 else name
        values: npt.NDArray[Any] = output[None]
        if not np.issubdtype(values.dtype, np.integer):
            values = values.astype(np.float16 if half else np.float32)
        constants.append(numpy_helper.from_array(values, f"value{index}"))
        if batch == 1:
            nodes.append(helper.make_node("Identity", [f"value{index}"], [made]))
        else:
            sides = np.array(output.shape, np.int64)
            constants.append(numpy_helper.from_array(sides, f"sides{index}"))
            nodes.append(
                helper.make_node("Concat", ["count", f"sides{index}"], [f"all{index}"], axis=0)
            )
            nodes.append(helper.make_node("Expand", [f"value{index}", f"all{index}"], [made]))
        shape: list[Side] = [batch, *output.shape]
        if not told:
            shape = [batch, *(f"side{index}_{n}" for n in range(output.ndim))]
        if sized and index == 1:
            nodes += _in_pixels(name)
        whole = np.issubdtype(values.dtype, np.integer)
        ends.append(
            helper.make_tensor_value_info(name, TensorProto.INT64 if whole else kind, shape)
        )
    picture = helper.make_tensor_value_info("images", kind, [batch, channels, size[1], size[0]])
    taken = [picture]
    if sized:
        constants.append(numpy_helper.from_array(np.array([1], np.int64), "middle"))
        taken.append(helper.make_tensor_value_info("sizes", TensorProto.INT64, [batch, 2]))
    graph = helper.make_graph(nodes, "constant", taken, ends, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    helper.set_model_props(model, dict(metadata or {}))
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path


def _in_pixels(name: str) -> list[onnx.NodeProto]:
    """Nodes that turn the output made last, in parts of the picture, into pixels."""
    return [
        helper.make_node("Cast", ["sizes"], ["sides"], to=TensorProto.FLOAT),
        helper.make_node("Concat", ["sides", "sides"], ["corners"], axis=1),
        helper.make_node("Unsqueeze", ["corners", "middle"], ["across"]),
        helper.make_node("Mul", [f"{name}_parts", "across"], [name]),
    ]
