"""A stand-in for a stock Triton image: it runs an exported ensemble by its configurations.

It insists on what Triton insists on: every tensor has the name, type and shape that the model's
configuration declares.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from google.protobuf import json_format
from tritonclient.grpc import model_config_pb2

from streams.inference.configs import config_from

Arrays = Mapping[str, npt.NDArray[Any]]
UTILITIES = "triton_python_backend_utils"
_OURS = ("triton_models.kit.backend", "triton_models.kit.steps")
_TYPES = {
    "TYPE_FP32": np.float32,
    "TYPE_FP16": np.float16,
    "TYPE_INT32": np.int32,
    "TYPE_INT64": np.int64,
    "TYPE_STRING": np.object_,
}


@dataclass(frozen=True)
class Tensor:
    name: str
    values: npt.NDArray[Any]

    def as_numpy(self) -> npt.NDArray[Any]:
        return self.values


class TritonError(Exception):
    INVALID_ARG, INTERNAL = "invalid", "internal"

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class InferenceResponse:
    output_tensors: list[Tensor] = field(default_factory=list)
    error: TritonError | None = None


def get_input_tensor_by_name(request: Arrays, name: str) -> Tensor | None:
    return Tensor(name, request[name]) if name in request else None


@contextmanager
def utilities() -> Iterator[None]:
    """Give Python models the module that Triton would give them."""
    module = ModuleType(UTILITIES)
    for part in (Tensor, TritonError, InferenceResponse, get_input_tensor_by_name):
        setattr(module, part.__name__, part)
    path = list(sys.path)
    sys.modules[UTILITIES] = module
    try:
        yield
    finally:
        sys.path[:] = path
        for name in (UTILITIES, *_OURS):
            sys.modules.pop(name, None)


class Image:
    """The models of a repository, loaded by their configurations."""

    def __init__(self, repository: Path) -> None:
        self.configs = {
            path.parent.name: config_from(path.read_text(encoding="utf-8"))
            for path in repository.glob("*/config.pbtxt")
        }
        self._python: dict[str, Any] = {}
        self._networks: dict[str, Any] = {}
        for name, config in self.configs.items():
            (version,) = (one for one in (repository / name).iterdir() if one.is_dir())
            if config.backend == "python":
                self._python[name] = self._load(version, config)
            elif config.backend == "onnxruntime":
                self._networks[name] = onnxruntime.InferenceSession(str(version / "model.onnx"))

    def infer(self, name: str, given: Arrays) -> dict[str, npt.NDArray[Any]]:
        """Answer a request; raises ``TritonError`` where a step refuses it."""
        config = self.configs[name]
        check(config, config.input, given)
        if name in self._python:
            answer = self._execute(name, given)
        elif name in self._networks:
            names = [output.name for output in config.output]
            values = self._networks[name].run(names, dict(given))
            answer = dict(zip(names, values, strict=True))
        else:
            answer = self._ensemble(config, given)
        check(config, config.output, answer)
        return answer

    def _ensemble(self, config: Any, given: Arrays) -> dict[str, npt.NDArray[Any]]:
        there = dict(given)
        for step in config.ensemble_scheduling.step:
            asked = {own: there[outer] for own, outer in step.input_map.items()}
            answer = self.infer(step.model_name, asked)
            there.update({outer: answer[own] for own, outer in step.output_map.items()})
        return {output.name: there[output.name] for output in config.output}

    def _execute(self, name: str, given: Arrays) -> dict[str, npt.NDArray[Any]]:
        (response,) = self._python[name].execute([given])
        if response.error is not None:
            raise response.error
        return {tensor.name: tensor.values for tensor in response.output_tensors}

    @staticmethod
    def _load(version: Path, config: Any) -> Any:
        spec = importlib.util.spec_from_file_location("model", version / "model.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        model = module.TritonPythonModel()
        told = json_format.MessageToDict(config, preserving_proto_field_name=True)
        model.initialize(
            {
                "model_repository": str(version.parent),
                "model_version": version.name,
                "model_config": json.dumps(told),
            }
        )
        return model


def check(config: Any, declared: Any, tensors: Arrays) -> None:
    """Insist on the declared names, types and shapes."""
    assert {one.name for one in declared} == set(tensors), config.name
    for one in declared:
        values = tensors[one.name]
        shape = values.shape[1:] if config.max_batch_size else values.shape
        kind = model_config_pb2.DataType.Name(one.data_type)
        assert values.dtype == _TYPES[kind], f"{config.name} {one.name}: {values.dtype}"
        fits = [side in (-1, there) for side, there in zip(one.dims, shape, strict=True)]
        assert all(fits), f"{config.name} {one.name}: {shape}, declared {list(one.dims)}"
