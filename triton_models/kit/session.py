"""An ONNX session of one thread that computes the same numbers wherever it runs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from triton_models.kit.formats.format import Floats, Shape
from triton_models.kit.objects import ModelFailed

_CHANNELS = 3
_RANK = 4
_KINDS: dict[str, npt.DTypeLike] = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
_SIZE_KINDS = {**_KINDS, "tensor(int64)": np.int64, "tensor(int32)": np.int32}


class BadModelFile(ValueError):
    """The file is not an ONNX model that onnxruntime can run as a detector."""


class Session:
    """An open network with an input [1, 3, height, width]; its outputs keep their shapes.

    A second input [1, 2] is told the size of that picture, so its boxes are in pixels of the input.

    Args:
        session: an ``onnxruntime.InferenceSession``.
        file: the file's name, for messages.
        size: width and height of the input, for files that leave them open.

    Raises:
        BadModelFile: the input is another one than a picture, or the network does not run.
    """

    def __init__(self, session: Any, file: str, size: tuple[int, int] | None = None) -> None:
        self._session = session
        self._file = file
        self.size = self._size(size)
        """Width and height of the input, pixels; None: still open."""
        self._names = [output.name for output in session.get_outputs()]

    @cached_property
    def input(self) -> Any:
        """The picture: its ``name``, ``shape`` and ``type``."""
        return next(one for one in self._session.get_inputs() if len(one.shape) == _RANK)

    @cached_property
    def size_input(self) -> Any:
        """The input that is told the picture's width and height, if there is one."""
        inputs = self._session.get_inputs()
        return next((one for one in inputs if len(one.shape) != _RANK), None)

    @property
    def outputs(self) -> Sequence[Any]:
        """The outputs: their ``name``, ``shape`` and ``type``."""
        return list(self._session.get_outputs())

    @property
    def metadata(self) -> dict[str, str]:
        """What whoever exported the file wrote into it."""
        return dict(self._session.get_modelmeta().custom_metadata_map)

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """The outputs' shapes without the batch; found by running it where the file leaves them open.

        Raises:
            BadModelFile: it does not run, or has no batch of one.
        """
        told = [tuple(output.shape) for output in self._session.get_outputs()]
        if self.size is None:
            raise BadModelFile(
                f"{self._file} leaves the size of its input open: its card must say it"
            )
        if not all(isinstance(side, int) for shape in told for side in shape):
            width, height = self.size
            try:
                outputs = self._answer(np.zeros((1, _CHANNELS, height, width), np.float32))
            except Exception as error:  # onnxruntime's errors share no base class but this
                raise BadModelFile(f"{self._file} does not run: {error}") from error
            told = [output.shape for output in outputs]
        if any(not shape or shape[0] != 1 for shape in told):
            raise BadModelFile(
                f"the outputs of {self._file} are {_told(told)}; each must begin with a batch of 1"
            )
        return tuple(shape[1:] for shape in told)

    @cached_property
    def takes_batches(self) -> bool:
        """Whether it answers several pictures at once: by what the file says, and when tried."""
        if self.size is None or isinstance(self.input.shape[0], int):
            return False
        width, height = self.size
        try:
            outputs = self._answer(np.zeros((2, _CHANNELS, height, width), np.float32))
        except Exception:  # noqa: BLE001 (onnxruntime's errors share no base class but this)
            return False
        return [output.shape for output in outputs] == [(2, *shape) for shape in self.shapes]

    def run(self, tensor: Floats) -> list[Floats]:
        """Return the outputs for an input [1, 3, height, width], each with its batch.

        Raises:
            ModelFailed: the network fails, or answers in other shapes than before.
        """
        expected = [(1, *shape) for shape in self.shapes]
        try:
            outputs = self._answer(tensor)
        except Exception as error:  # onnxruntime's errors share no base class but this
            raise ModelFailed(f"the network fails: {error}") from error
        shapes = [np.shape(output) for output in outputs]
        if shapes != expected:
            raise ModelFailed(f"the network answers {_told(shapes)}, not {_told(expected)}")
        return [np.asarray(output, np.float32) for output in outputs]

    def _answer(self, tensor: Floats) -> list[npt.NDArray[Any]]:
        kind = _KINDS[self.input.type]
        feed = {self.input.name: tensor.astype(kind, copy=False)}
        if self.size_input is not None:
            sizes = np.tile(np.array(self.size), (len(tensor), 1))
            feed[self.size_input.name] = sizes.astype(_SIZE_KINDS[self.size_input.type])
        return list(self._session.run(self._names, feed))

    def _size(self, size: tuple[int, int] | None) -> tuple[int, int] | None:
        inputs = self._session.get_inputs()
        told = "; ".join(f"{one.name} {list(one.shape)} {one.type}" for one in inputs) or "none"
        wrong = (
            f"the input of {self._file} is {told}; a detector's is [1, 3, height, width] of floats"
        )
        pictures = [one for one in inputs if len(one.shape) == _RANK and one.type in _KINDS]
        others = [one for one in inputs if one not in pictures]
        if len(pictures) != 1 or len(others) > 1 or not all(map(_takes_size, others)):
            raise BadModelFile(wrong)
        shape = pictures[0].shape
        batch, channels, height, width = shape
        # A dimension that is a name, or None, fits anything.
        if any(isinstance(a, int) and a != b for a, b in ((batch, 1), (channels, _CHANNELS))):
            raise BadModelFile(wrong)
        if isinstance(height, int) and isinstance(width, int):
            if size is not None and size != (width, height):
                raise BadModelFile(f"{wrong}, and its card asks for {size[0]}x{size[1]}")
            return width, height
        return size


def open_session(model_file: Path, size: tuple[int, int] | None = None) -> Session:
    """Open a file on the CPU.

    One thread for each session, because as many instances run as there are cores; idle threads
    must not spin, because those cores decode video too.

    Args:
        model_file: an ONNX file.
        size: width and height of the input, where the file leaves them open.

    Raises:
        BadModelFile: the file is missing, damaged, not ONNX, or takes no picture.
    """
    # The post-processing of a stock Triton image imports this package and has no onnxruntime.
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    if not model_file.is_file():
        raise BadModelFile(f"{model_file} is not there")
    try:
        session = onnxruntime.InferenceSession(
            str(model_file), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's errors share no base class but this
        raise BadModelFile(f"{model_file.name} is not a model that runs: {error}") from error
    return Session(session, model_file.name, size)


def _takes_size(one: Any) -> bool:
    return len(one.shape) == 2 and one.shape[1] == 2 and one.type in _SIZE_KINDS


def _told(shapes: Sequence[Sequence[object]]) -> str:
    return " and ".join(str(list(shape)) for shape in shapes) or "none"
