"""Small networks that a card can be written for: what they answer is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CARD = """\
name: tiny
licence: Apache-2.0
decoding: yolo
width: 32
height: 32
labels: [person]
"""
ANCHORS = 21


def save_network(path: Path, score: float = 0.9, x: float = 16.0, output: str = "output0") -> Path:
    """Write a network that finds one person in the middle of any picture (YOLO v8 head).

    Args:
        path: where.
        score: of the person.
        x: of its middle, pixels of the input.
        output: name of the output, so that equal networks can be different files.
    """
    rows = np.zeros((1, 5, ANCHORS), np.float32)
    rows[0, :, 0] = (x, 16, 8, 16, score)
    zero = helper.make_node("ReduceMean", ["images"], ["mean"], axes=[0, 1, 2, 3], keepdims=0)
    none = helper.make_node("Mul", ["mean", "nought"], ["none"])
    add = helper.make_node("Add", ["none", "rows"], [output])
    graph = helper.make_graph(
        [zero, none, add],
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, 32, 32])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, [1, 5, ANCHORS])],
        [
            numpy_helper.from_array(rows, "rows"),
            numpy_helper.from_array(np.array(0, np.float32), "nought"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.save(model, str(path))
    return path
