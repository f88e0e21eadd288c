"""Asking one server over gRPC (KServe v2), as many requests at once as callers wish.

Asking, metadata and readiness are of KServe v2, so any server of it can stand in Triton's place;
:meth:`TritonClient.load` and :meth:`TritonClient.largest_batch` use Triton's extensions of it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from tritonclient import grpc
from tritonclient.utils import InferenceServerException

from schemas.errors import Rejected, Retryable
from streams.inference.answer import Answer, answer_of
from streams.inference.configs import BACKGROUND, CROP, JPEG, OBJECTS

Stage = Literal["detector", "crop"]
OTHER_STAGE = "other-stage"
"""Why a model is not asked that is of another stage than the one it was taken for."""

UNNAMED = "unnamed"
_FAILING_TRIES = 3
_FAILING_PAUSE_S = 0.2
_LOAD_TIMEOUT_S = 120.0
_READY_TIMEOUT_S = 2.0
_REFUSED = frozenset({"INVALID_ARGUMENT", "FAILED_PRECONDITION", "OUT_OF_RANGE"})
_DIED = "Stub process"
"""How Triton's Python backend names a process whose end it noticed."""
_INTERNAL = frozenset({"INTERNAL", "UNKNOWN"})


class ModelMissing(Retryable):
    """The server answers, but does not serve the model (yet)."""


class ModelLoading(ModelMissing):
    """The server knows the model and does not serve it: perhaps it has only just been started."""


class ModelFailing(Retryable):
    """The server answers that the model failed; it may not the next time."""


class ModelDied(ModelFailing):
    """The process that the model runs in is gone; Triton starts it again only at a load."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What a model is asked about."""

    jpeg: bytes
    background: bytes = b""
    """A block of thumbnails; sent only to models that want one."""
    stage: Stage | None = None
    """What the model is taken for; None: it does not matter."""


class TritonClient:
    """One connection to one server; safe for use by many threads.

    Args:
        url: host:port of the gRPC end; of several, separated by commas, the first, which is the
            one that the model repository belongs to.
        timeout_s: how long one answer may take.
    """

    def __init__(self, url: str, *, timeout_s: float = 10.0) -> None:
        self.url = url.split(",")[0].strip()
        self._timeout_s = timeout_s
        self._client = grpc.InferenceServerClient(self.url)
        self._inputs: dict[str, frozenset[str]] = {}
        self._largest: dict[str, int] = {}

    def ready(self) -> bool:
        """Tell whether the server answers and is ready."""
        try:
            return bool(self._client.is_server_ready(client_timeout=_READY_TIMEOUT_S))
        except InferenceServerException:
            return False

    def needs_background(self, model: str) -> bool:
        """Tell whether a model wants thumbnails of earlier frames, as its metadata says.

        Raises:
            Retryable: the server does not answer, or does not serve the model.
        """
        return BACKGROUND in self._inputs_of(model)

    def refresh(self, model: str) -> None:
        """Ask anew whether a model is served, what it wants and how much of it at once.

        Raises:
            ModelMissing: the model is not served.
            Retryable: the server does not answer.
        """
        self._inputs_asked(model, _READY_TIMEOUT_S)
        if model not in self._largest:
            self._largest[model] = self._largest_asked(model)

    def largest_batch(self, model: str) -> int:
        """Return how many pictures one request may hold, as the server said at ``refresh``."""
        return self._largest.get(model, 1)

    def infer(
        self, model: str, jpeg: bytes, background: bytes = b"", stage: Stage | None = None
    ) -> Answer:
        """Return the objects of one frame, asking again where the model failed on it.

        Args:
            model: its name in the repository.
            jpeg: the frame.
            background: a block of thumbnails; sent only to models that want one.
            stage: what the model is taken for; None: it does not matter.

        Raises:
            Rejected: the model refuses this frame (``bad-jpeg``), fails on it again and again
                (``model-failed``), or is of another stage (``other-stage``).
            ModelMissing: the model is not served.
            Retryable: the server does not answer.
        """
        for attempt in range(1, _FAILING_TRIES + 1):
            try:
                return self.look(model, [Picture(jpeg, background, stage)])[0]
            except ModelFailing as error:
                if attempt == _FAILING_TRIES:
                    raise Rejected(
                        f"{error}, {_FAILING_TRIES} times over", reason="model-failed"
                    ) from error
            time.sleep(_FAILING_PAUSE_S * attempt)
        raise AssertionError("the loop returns or raises")

    def look(self, model: str, pictures: Sequence[Picture]) -> list[Answer]:
        """Return the objects of each picture, out of one request.

        Raises:
            Rejected: the model refuses one of the pictures (``bad-jpeg``), or is of another stage
                than one of them takes it for (``other-stage``).
            ModelMissing: the model is not served.
            ModelFailing: the model failed.
            Retryable: the server does not answer.
        """
        wanted = self._inputs_of(model)
        stage: Stage = "crop" if CROP in wanted else "detector"
        for picture in pictures:
            if picture.stage not in (None, stage):
                raise Rejected(f"{model} is a {stage}, no {picture.stage}", reason=OTHER_STAGE)
        jpegs = [picture.jpeg for picture in pictures]
        inputs = [_texts(CROP if stage == "crop" else JPEG, jpegs)]
        if BACKGROUND in wanted:
            inputs.append(_texts(BACKGROUND, [picture.background for picture in pictures]))
        try:
            result = self._client.infer(model, inputs, client_timeout=self._timeout_s)
        except InferenceServerException as error:
            raise self._translated(error, model) from error
        return _answers(result, model, len(pictures))

    def load(self, model: str) -> None:
        """Load a model, or load it again after its folder changed.

        Raises:
            Rejected: it cannot be loaded; a version served before goes on being served. Or the
                server cannot be told to load models.
            Retryable: the server does not answer.
        """
        self._forget(model)
        try:
            self._client.load_model(model, client_timeout=_LOAD_TIMEOUT_S)
        except InferenceServerException as error:
            code = _code(error)
            if code in ("UNAVAILABLE", "DEADLINE_EXCEEDED"):
                raise self._translated(error, model) from error
            if code == "UNIMPLEMENTED":
                raise Rejected(
                    f"the server at {self.url} cannot be told to load {model}: that is Triton's "
                    "own; put the model in with the server's means and start it again",
                    reason="cannot-load",
                ) from error
            raise Rejected(
                f"Triton cannot load the model {model}: {error.message()}", reason="cannot-load"
            ) from error

    def revive(self, model: str) -> None:
        """Start a model's processes anew where one of them died; requests go on meanwhile.

        Triton never does so by itself, and takes a load of what has not changed for done, so its
        configuration is handed in with a mark that has.

        Raises:
            Rejected: the server cannot be told so, or the model does not load.
            Retryable: the server does not answer.
        """
        try:
            told = self._client.get_model_config(
                model, as_json=True, client_timeout=_READY_TIMEOUT_S
            )
            config = told["config"]
            mark = {"string_value": str(time.time_ns())}
            config["parameters"] = {**config.get("parameters", {}), "revived": mark}
            self._client.load_model(
                model, config=json.dumps(config), client_timeout=_LOAD_TIMEOUT_S
            )
        except InferenceServerException as error:
            if _code(error) in ("UNAVAILABLE", "DEADLINE_EXCEEDED"):
                raise self._translated(error, model) from error
            raise Rejected(
                f"{model} at {self.url} cannot be started anew: {error.message()}; start the "
                "server again",
                reason="cannot-load",
            ) from error

    def versions(self, model: str) -> tuple[str, ...]:
        """Return the versions of a model that are ready to answer; none if it is not served.

        A server need not tell them: then ``UNNAMED`` alone.

        Raises:
            Retryable: the server does not answer.
        """
        try:
            return tuple(self._metadata(model).versions) or (UNNAMED,)
        except ModelMissing:
            return ()

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _metadata(self, model: str, timeout_s: float | None = None) -> Any:
        timeout_s = self._timeout_s if timeout_s is None else timeout_s
        try:
            return self._client.get_model_metadata(model, client_timeout=timeout_s)
        except InferenceServerException as error:
            raise self._translated(error, model) from error

    def _inputs_of(self, model: str) -> frozenset[str]:
        known = self._inputs.get(model)
        return self._inputs_asked(model) if known is None else known

    def _inputs_asked(self, model: str, timeout_s: float | None = None) -> frozenset[str]:
        inputs = frozenset(tensor.name for tensor in self._metadata(model, timeout_s).inputs)
        self._inputs[model] = inputs
        return inputs

    def _largest_asked(self, model: str) -> int:
        """Return a model's largest batch; 1 from a server without Triton's way to tell."""
        try:
            answer = self._client.get_model_config(model, client_timeout=_READY_TIMEOUT_S)
        except InferenceServerException as error:
            if _code(error) == "UNIMPLEMENTED":
                return 1
            raise self._translated(error, model) from error
        return max(1, int(answer.config.max_batch_size))

    def _is_known(self, model: str) -> bool:
        """Tell whether a model lies in the server's repository; False from one that does not say."""
        try:
            index = self._client.get_model_repository_index(client_timeout=_READY_TIMEOUT_S)
        except InferenceServerException:
            return False
        return any(one.name == model for one in index.models)

    def _forget(self, model: str) -> None:
        self._inputs.pop(model, None)
        self._largest.pop(model, None)

    def _translated(self, error: InferenceServerException, model: str) -> Rejected | Retryable:
        code, message = _code(error), error.message()
        if code == "NOT_FOUND" or "no available versions" in message:
            self._forget(model)
            if self._is_known(model):
                return ModelLoading(f"{self.url} does not serve {model} yet: {message}")
            return ModelMissing(
                f"{self.url} does not serve {model}: {message}; "
                "add it with `sightline models import`"
            )
        if code in _REFUSED:
            # Perhaps not for the frame: another version may want other inputs.
            self._forget(model)
            return Rejected(f"{model} refuses the frame: {message}", reason="bad-jpeg")
        if code in _INTERNAL:
            kind = ModelDied if _DIED in message else ModelFailing
            return kind(f"{model} at {self.url} failed: {message}; see the server's log")
        return Retryable(
            f"Triton at {self.url} does not answer ({code}): {message}; see `sightline status`"
        )


def _texts(name: str, values: Sequence[bytes]) -> Any:
    tensor = grpc.InferInput(name, [len(values), 1], "BYTES")
    tensor.set_data_from_numpy(np.array(values, np.object_)[:, None])
    return tensor


def _answers(result: Any, model: str, count: int) -> list[Answer]:
    version = result.get_response().model_version
    boxes, counted, labels = (result.as_numpy(tensor.name) for tensor in OBJECTS)
    if boxes is None or labels is None or counted is None or counted.size != count:
        raise ModelFailing(
            f"{model} did not answer with {', '.join(tensor.name for tensor in OBJECTS)} of {count} "
            "pictures: serve it as `sightline models import` or `models export` lays it out"
        )
    counts = counted.ravel().tolist()
    return [
        answer_of(boxes[row, :n], [label.decode() for label in labels[row, :n]], model, version)
        for row, n in enumerate(counts)
    ]


def _code(error: InferenceServerException) -> str:
    return str(error.status() or "").removeprefix("StatusCode.")
