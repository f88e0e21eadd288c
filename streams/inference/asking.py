"""Asking the models about many frames at once, patiently, and never for ever.

Answers come back in the order of the questions. While Triton is away the questions wait; those
that may be dropped are given up after a while, those that must be kept are not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import structlog

from schemas.errors import Rejected, Retryable
from streams.inference.answer import Answer, Outcome, Refusal
from streams.inference.client import ModelMissing, Stage

MODEL_MISSING = "model-missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One picture that one model is asked about: a frame, or a part of one."""

    model: str
    camera: str
    jpeg: bytes
    arrived_at: int
    """When the frame reached the broker, UTC ms."""
    background: bytes = b""
    """A block of thumbnails, for models that want one."""
    keep: bool = False
    """It is waited for, however long it takes."""
    stage: Stage = "detector"
    """``crop``: the picture is a part of the frame, for models that look at those."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited, in seconds of the host's clock."""

    unavailable_s: float = 30.0
    """A frame that may be dropped is, once it waited this long for Triton."""
    missing_s: float = 5.0
    """So long for a model that a running Triton does not serve; after that it is asked for again
    now and then, and its frames fail at once, so that others do not wait for it."""
    first_pause_s: float = 0.1
    longest_pause_s: float = 2.0


class Infers(Protocol):
    """What answers; ``streams.inference.client.TritonClient`` is one."""

    def infer(
        self, model: str, jpeg: bytes, background: bytes = b"", stage: Stage | None = None
    ) -> Answer:
        """Return the objects of one frame; raises ``Rejected`` or ``Retryable``."""


class Asker:
    """Asks several questions at a time.

    Args:
        models: what answers.
        depth: questions under way at once.
        now_ms: the host's clock, UTC milliseconds.
        pause: waits that many seconds and returns False when the process is to stop.
        patience: limits.
    """

    def __init__(
        self,
        models: Infers,
        *,
        depth: int,
        now_ms: Callable[[], int],
        pause: Callable[[float], bool],
        patience: Patience | None = None,
    ) -> None:
        self._models = models
        self._now_ms = now_ms
        self._pause = pause
        self._patience = patience or Patience()
        self._pool = ThreadPoolExecutor(depth, thread_name_prefix="ask")
        self._missing_at: dict[str, int] = {}
        self._log = structlog.get_logger("asking")
        self.problem: str | None = None
        """What is being waited for, if anything; for /healthz."""

    def ask(self, questions: Sequence[Question]) -> list[Outcome] | None:
        """Return an outcome for each question, in order; None if the process is to stop."""
        outcomes: dict[int, Outcome] = {}
        pause_s = self._patience.first_pause_s
        while True:
            left = [index for index in range(len(questions)) if index not in outcomes]
            results = self._round([questions[index] for index in left])
            waiting: Retryable | None = None
            for index, result in zip(left, results, strict=True):
                if isinstance(result, Retryable):
                    waiting = result
                else:
                    outcomes[index] = result
            self.problem = None if waiting is None else str(waiting)
            if waiting is None:
                return [outcomes[index] for index in range(len(questions))]
            if not self._pause(pause_s):
                return None
            pause_s = min(2 * pause_s, self._patience.longest_pause_s)

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(cancel_futures=True)

    def _round(self, questions: Sequence[Question]) -> list[Outcome | Retryable]:
        under_way = [
            Refusal("failed", MODEL_MISSING, question.model)
            if self._given_up(question.model)
            else self._pool.submit(self._answer, question)
            for question in questions
        ]
        return [one.result() if isinstance(one, Future) else one for one in under_way]

    def _answer(self, question: Question) -> Outcome | Retryable:
        model = question.model
        try:
            answer = self._models.infer(model, question.jpeg, question.background, question.stage)
        except Rejected as error:
            return Refusal("failed", error.reason, model)
        except ModelMissing as error:
            if model not in self._missing_at:
                self._log.warning("a model is missing", camera=question.camera, reason=str(error))
            self._missing_at.setdefault(model, self._now_ms())
            return error
        except Retryable as error:
            waited_s = (self._now_ms() - question.arrived_at) / 1000
            if not question.keep and waited_s > self._patience.unavailable_s:
                return Refusal("dropped", "model-unavailable", model)
            return error
        self._missing_at.pop(model, None)
        return answer

    def _given_up(self, model: str) -> bool:
        missing_at = self._missing_at.get(model)
        if missing_at is None:
            return False
        waited_ms = self._now_ms() - missing_at
        patience_ms = round(1000 * self._patience.missing_s)
        # Once in each further stretch of patience one frame asks again.
        if waited_ms >= 2 * patience_ms:
            self._missing_at[model] = self._now_ms() - patience_ms
            return False
        return waited_ms >= patience_ms
