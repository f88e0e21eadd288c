"""Asking the models about many pictures at once, patiently, and never for ever.

Answers come back in the order of the questions. While no server answers the questions wait; those
that may be dropped are given up after a while, those that must be kept are not. A model that is
missing, or fails at everything, is waited for once; after that its pictures fail at once, so that
those of other models do not wait for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from schemas.errors import Rejected, Retryable
from streams.inference.answer import Answer, Outcome, Refusal
from streams.inference.batching import BatchConfig, cut, size_of
from streams.inference.client import ModelDied, ModelFailing, ModelMissing, Picture, Stage
from streams.inference.servers import ModelResting

MODEL_MISSING, MODEL_FAILED = "model-missing", "model-failed"
MODEL_UNAVAILABLE = "model-unavailable"
_FAILING_TRIES = 3


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
    """A frame that may be dropped is, once it waited this long for a server."""
    missing_s: float = 5.0
    """So long for a model that the servers do not serve, or that fails at everything; after that
    its frames fail at once, and every ``missing_s`` one of them asks again."""
    died_s: float = 30.0
    """So long is a picture tried whose model's process is gone: it may be what ends it."""
    lost_s: float = 30.0
    """So long for one that has answered before: a server that restarts loads its models again."""
    first_pause_s: float = 0.1
    longest_pause_s: float = 2.0


class Looks(Protocol):
    """What answers; ``streams.inference.servers.Servers`` is one."""

    def largest_batch(self, model: str) -> int:
        """Return how many pictures one request may hold."""

    def picture_s(self, model: str) -> float:
        """Return the seconds that a picture took lately; 0: not known."""

    def look(self, model: str, pictures: Sequence[Picture]) -> list[Answer]:
        """Return the objects of each picture; raises ``Rejected`` or ``Retryable``."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A model without answers."""

    ask_until_ms: int
    """Until then it is waited for."""
    ask_again_ms: int
    """From then on one frame asks again."""
    reason: str
    """``model-missing`` or ``model-failed``."""
    message: str


@dataclass(slots=True)
class _Open:
    """A question without an outcome."""

    index: int
    question: Question
    failures: int = 0
    failed_ms: int = 0
    """When first, by the host's clock."""
    died: bool = False
    """The model's process was gone the last time."""


_Result = Outcome | Retryable


class Asker:
    """Asks several questions at a time.

    Args:
        models: what answers.
        depth: requests under way at once.
        now_ms: the host's clock, UTC milliseconds.
        pause: waits that many seconds and returns False when the process is to stop.
        patience: limits.
        batches: limits of what goes into one request.
    """

    def __init__(
        self,
        models: Looks,
        *,
        depth: int,
        now_ms: Callable[[], int],
        pause: Callable[[float], bool],
        patience: Patience | None = None,
        batches: BatchConfig | None = None,
    ) -> None:
        self._models = models
        self._depth = depth
        self._now_ms = now_ms
        self._pause = pause
        self._patience = patience or Patience()
        self._batches = batches or BatchConfig()
        self._pool = ThreadPoolExecutor(depth, thread_name_prefix="ask")
        self._troubles: dict[str, Trouble] = {}
        self._answered_ms: dict[str, int] = {}
        self._waiting: dict[str, str] = {}
        self._log = structlog.get_logger("asking")

    @property
    def troubles(self) -> dict[str, Trouble]:
        """The models without answers, by their names."""
        return dict(self._troubles)

    @property
    def waiting(self) -> dict[str, str]:
        """Why frames wait for an answer, by their cameras."""
        return dict(self._waiting)

    @property
    def problem(self) -> str | None:
        """What is being waited for, or which models give no answers; for /healthz."""
        found = [trouble.message for trouble in self.troubles.values()]
        return "; ".join(dict.fromkeys([*self.waiting.values(), *found])) or None

    def ask(self, questions: Sequence[Question]) -> list[Outcome] | None:
        """Return an outcome for each question, in order; None if the process is to stop."""
        outcomes: dict[int, Outcome] = {}
        left = [_Open(index, question) for index, question in enumerate(questions)]
        pause_s = self._patience.first_pause_s
        while True:
            waiting: dict[str, str] = {}
            again: list[_Open] = []
            for one, result in self._round(left):
                if isinstance(result, Retryable):
                    waiting[one.question.camera] = str(result)
                    again.append(one)
                else:
                    outcomes[one.index] = result
            self._waiting = waiting
            if not again:
                return [outcomes[index] for index in range(len(questions))]
            left = again
            if not self._pause(pause_s):
                return None
            pause_s = min(2 * pause_s, self._patience.longest_pause_s)

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(cancel_futures=True)

    def _round(self, left: Sequence[_Open]) -> list[tuple[_Open, _Result]]:
        results: list[tuple[_Open, _Result]] = []
        asked: list[_Open] = []
        for one in left:
            given_up = self._given_up(one.question.model)
            if given_up is None:
                asked.append(one)
            else:
                results.append((one, given_up))
        under_way = [self._pool.submit(self._answers, batch) for batch in self._batched(asked)]
        return results + [result for batch in under_way for result in batch.result()]

    def _batched(self, asked: Sequence[_Open]) -> Iterable[Sequence[_Open]]:
        alike: dict[tuple[str, Stage, int], list[_Open]] = {}
        # A picture that a model failed on goes alone, and after the others: it may be the cause.
        for one in sorted(asked, key=lambda one: one.failures):
            alone = one.index if one.failures else -1
            alike.setdefault((one.question.model, one.question.stage, alone), []).append(one)
        for (model, _, _), group in alike.items():
            largest, picture_s = self._models.largest_batch(model), self._models.picture_s(model)
            yield from cut(
                group, size_of(len(asked), self._depth, largest, picture_s, self._batches)
            )

    def _answers(self, batch: Sequence[_Open]) -> list[tuple[_Open, _Result]]:
        model = batch[0].question.model
        pictures = [
            Picture(one.question.jpeg, one.question.background, one.question.stage) for one in batch
        ]
        try:
            answers = self._models.look(model, pictures)
        except Rejected as error:
            if len(batch) > 1:
                return [result for one in batch for result in self._answers([one])]
            return [(batch[0], Refusal("failed", error.reason, model))]
        except (ModelMissing, ModelFailing, ModelResting) as error:
            self._note(batch[0].question, error)
            if isinstance(error, ModelFailing):
                for one in batch:
                    one.failed_ms = one.failed_ms if one.failures else self._now_ms()
                    one.failures += 1
                    one.died = isinstance(error, ModelDied)
            return [(one, self._failed(one, error)) for one in batch]
        except Retryable as error:
            return [(one, self._unanswered(one.question, error)) for one in batch]
        self._answered_ms[model] = self._now_ms()
        self._troubles.pop(model, None)
        return list(zip(batch, answers, strict=True))

    def _failed(self, one: _Open, error: Retryable) -> _Result:
        """Blame the picture if the model answers about others, or has failed on it for long."""
        model = one.question.model
        tried_s = (self._now_ms() - one.failed_ms) / 1000
        # A process that is gone fails at whatever comes until it is there again.
        limit_s = self._patience.died_s if one.died else self._patience.missing_s
        answers = not one.died and self._answered_ms.get(model, 0) > one.failed_ms
        if one.failures >= _FAILING_TRIES and (answers or tried_s >= limit_s):
            return Refusal("failed", MODEL_FAILED, model)
        return error

    def _unanswered(self, question: Question, error: Retryable) -> _Result:
        waited_s = (self._now_ms() - question.arrived_at) / 1000
        if not question.keep and waited_s > self._patience.unavailable_s:
            return Refusal("dropped", MODEL_UNAVAILABLE, question.model)
        return error

    def _note(self, question: Question, error: Retryable) -> None:
        model = question.model
        reason = MODEL_MISSING if isinstance(error, ModelMissing) else MODEL_FAILED
        known = self._troubles.get(model)
        if known is None:
            self._log.warning(
                "a model does not answer", camera=question.camera, model=model, reason=str(error)
            )
            patience = self._patience
            waited_s = patience.lost_s if model in self._answered_ms else patience.missing_s
            until_ms = self._now_ms() + round(1000 * waited_s)
            again_ms = until_ms + round(1000 * patience.missing_s)
            known = Trouble(until_ms, again_ms, reason, str(error))
        self._troubles[model] = replace(known, reason=reason, message=str(error))

    def _given_up(self, model: str) -> Refusal | None:
        trouble = self._troubles.get(model)
        now_ms = self._now_ms()
        if trouble is None or now_ms < trouble.ask_until_ms:
            return None
        if now_ms >= trouble.ask_again_ms:
            again_ms = now_ms + round(1000 * self._patience.missing_s)
            self._troubles[model] = replace(trouble, ask_again_ms=again_ms)
            return None
        return Refusal("failed", trouble.reason, model)
