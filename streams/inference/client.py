"""Asking Triton over gRPC (KServe v2): one frame a request, as many at once as callers wish."""

from __future__ import annotations

import time
from typing import Any, Literal

import numpy as np
from tritonclient import grpc
from tritonclient.utils import InferenceServerException

from schemas.errors import Rejected, Retryable
from streams.inference.answer import Answer, answer_of
from streams.inference.configs import BACKGROUND, CROP, JPEG

Stage = Literal["detector", "crop"]
OTHER_STAGE = "other-stage"
"""Why a model is not asked that is of another stage than the one it was taken for."""

_INTERNAL_TRIES = 3
_INTERNAL_PAUSE_S = 0.2
_LOAD_TIMEOUT_S = 120.0
_REFUSED = frozenset({"INVALID_ARGUMENT", "FAILED_PRECONDITION", "OUT_OF_RANGE"})
_INTERNAL = frozenset({"INTERNAL", "UNKNOWN"})


class ModelMissing(Retryable):
    """Triton answers, but does not serve the model (yet)."""


class TritonClient:
    """One connection to a Triton server; safe for use by many threads.

    Args:
        url: host:port of the gRPC end.
        timeout_s: how long one answer may take.
    """

    def __init__(self, url: str, *, timeout_s: float = 10.0) -> None:
        self.url = url
        self._timeout_s = timeout_s
        self._client = grpc.InferenceServerClient(url)
        self._inputs: dict[str, frozenset[str]] = {}

    def ready(self) -> bool:
        """Tell whether the server answers and is ready."""
        try:
            return bool(self._client.is_server_ready(client_timeout=2.0))
        except InferenceServerException:
            return False

    def needs_background(self, model: str) -> bool:
        """Tell whether a model wants thumbnails of earlier frames, as its metadata says.

        Raises:
            Retryable: Triton does not answer, or does not serve the model.
        """
        return BACKGROUND in self._inputs_of(model)

    def infer(
        self, model: str, jpeg: bytes, background: bytes = b"", stage: Stage | None = None
    ) -> Answer:
        """Return the objects of one frame.

        Args:
            model: its name in the repository.
            jpeg: the frame.
            background: a block of thumbnails; sent only to models that want one.
            stage: what the model is taken for; None: it does not matter.

        Raises:
            Rejected: the model refuses this frame (``bad-jpeg``), fails on it again and again
                (``model-failed``), or is of another stage (``other-stage``).
            ModelMissing: the model is not served.
            Retryable: Triton does not answer.
        """
        wanted = self._inputs_of(model)
        found: Stage = "crop" if CROP in wanted else "detector"
        if stage not in (None, found):
            raise Rejected(f"{model} is a {found}, not a {stage}", reason=OTHER_STAGE)
        inputs = [_text_input(CROP if found == "crop" else JPEG, jpeg)]
        if BACKGROUND in wanted:
            inputs.append(_text_input(BACKGROUND, background))
        for attempt in range(1, _INTERNAL_TRIES + 1):
            try:
                result = self._client.infer(model, inputs, client_timeout=self._timeout_s)
                return _answer(result, model)
            except InferenceServerException as error:
                # A model process that died is started again by the next request.
                if _code(error) not in _INTERNAL or attempt == _INTERNAL_TRIES:
                    raise self._translated(error, model) from error
            time.sleep(_INTERNAL_PAUSE_S * attempt)
        raise AssertionError("the loop returns or raises")

    def load(self, model: str) -> None:
        """Load a model, or load it again after its folder changed.

        Raises:
            Rejected: it cannot be loaded; a version served before goes on being served.
            Retryable: Triton does not answer.
        """
        self._inputs.pop(model, None)
        try:
            self._client.load_model(model, client_timeout=_LOAD_TIMEOUT_S)
        except InferenceServerException as error:
            if _code(error) in ("UNAVAILABLE", "DEADLINE_EXCEEDED"):
                raise self._translated(error, model) from error
            raise Rejected(
                f"Triton cannot load the model {model}: {error.message()}", reason="cannot-load"
            ) from error

    def versions(self, model: str) -> tuple[str, ...]:
        """Return the versions of a model that are ready to answer; none if it is not served.

        Raises:
            Retryable: Triton does not answer.
        """
        try:
            metadata = self._client.get_model_metadata(model, client_timeout=self._timeout_s)
        except InferenceServerException as error:
            translated = self._translated(error, model)
            if isinstance(translated, ModelMissing):
                return ()
            raise translated from error
        return tuple(metadata.versions)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _inputs_of(self, model: str) -> frozenset[str]:
        """Return the names of a model's inputs, as its metadata says."""
        known = self._inputs.get(model)
        if known is None:
            try:
                metadata = self._client.get_model_metadata(model, client_timeout=self._timeout_s)
            except InferenceServerException as error:
                raise self._translated(error, model) from error
            known = self._inputs[model] = frozenset(tensor.name for tensor in metadata.inputs)
        return known

    def _translated(self, error: InferenceServerException, model: str) -> Rejected | Retryable:
        code, message = _code(error), error.message()
        if code in _REFUSED:
            # Perhaps not for the frame: another version may want other inputs.
            self._inputs.pop(model, None)
            return Rejected(f"{model} refuses the frame: {message}", reason="bad-jpeg")
        if code in _INTERNAL:
            return Rejected(
                f"{model} failed on a frame {_INTERNAL_TRIES} times: {message}; see Triton's log",
                reason="model-failed",
            )
        if code == "NOT_FOUND" or "no available versions" in message:
            self._inputs.pop(model, None)
            return ModelMissing(
                f"Triton at {self.url} does not serve {model}: {message}; "
                "add it with `sightline models import`"
            )
        return Retryable(
            f"Triton at {self.url} does not answer ({code}): {message}; see `sightline status`"
        )


def _text_input(name: str, value: bytes) -> Any:
    tensor = grpc.InferInput(name, [1, 1], "BYTES")
    tensor.set_data_from_numpy(np.array([[value]], np.object_))
    return tensor


def _answer(result: Any, model: str) -> Answer:
    count = int(result.as_numpy("COUNT")[0, 0])
    objects = result.as_numpy("OBJECTS")[0, :count]
    labels = [label.decode() for label in result.as_numpy("LABELS")[0, :count]]
    return answer_of(objects, labels, model, result.get_response().model_version)


def _code(error: InferenceServerException) -> str:
    return str(error.status() or "").removeprefix("StatusCode.")
