"""An ONNX session of one thread that computes the same numbers wherever it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime


class BadModelFile(ValueError):
    """The file is not an ONNX model that onnxruntime can run."""


class ModelFailed(RuntimeError):
    """The network cannot compute an answer, or answers in another shape than its card says."""


def run_session(
    session: Any, tensor: npt.NDArray[np.float32], expected: tuple[int, ...]
) -> npt.NDArray[np.float32]:
    """Return the first output for an input; its shape must be ``expected``.

    Raises:
        ModelFailed: the network fails, or answers in another shape.
    """
    try:
        output = session.run(None, {session.get_inputs()[0].name: tensor})[0]
    except Exception as error:  # onnxruntime's errors share no base class but this
        raise ModelFailed(f"the network fails: {error}") from error
    if np.shape(output) != expected:
        raise ModelFailed(f"the network answers {list(np.shape(output))}, not {list(expected)}")
    return np.asarray(output, np.float32)


def open_session(model_file: Path) -> Any:
    """Return an ``onnxruntime.InferenceSession`` on the CPU.

    One thread for each session, because as many instances run as there are cores; idle threads
    must not spin, because those cores decode video too.

    Raises:
        BadModelFile: the file is missing, damaged or not ONNX.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    if not model_file.is_file():
        raise BadModelFile(f"{model_file} is not there")
    try:
        return onnxruntime.InferenceSession(
            str(model_file), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's errors share no base class but this
        raise BadModelFile(f"{model_file.name} is not a model that runs: {error}") from error
