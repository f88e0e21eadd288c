"""Asking the models about many pictures at once, patiently, and never for ever.

Answers come back in the order of the questions. While no server answers the questions wait; those
that may be dropped are given up after a while, those that must be kept are not. A model that is
missing, or fails at everything, is waited for no longer than ``troubles`` says.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from schemas.errors import Rejected, Retryable
from streams.inference import occupancy
from streams.inference.answer import Answer, Outcome, Refusal
from streams.inference.batching import BatchConfig, cut, size_of
from streams.inference.client import (
    ModelDied,
    ModelFailing,
    ModelLoading,
    ModelMissing,
    Picture,
    Stage,
)
from streams.inference.occupancy import Occupancy, Work
from streams.inference.servers import ModelResting
from streams.inference.troubles import MODEL_FAILED, MODEL_MISSING, Patience, Trouble, Troubles

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


class Looks(Protocol):
    """What answers; ``streams.inference.servers.Servers`` is one."""

    def largest_batch(self, model: str) -> int:
        """Return how many pictures one request may hold."""

    def picture_s(self, model: str) -> float:
        """Return the seconds that a picture took lately; 0: not known."""

    def look(self, model: str, pictures: Sequence[Picture]) -> list[Answer]:
        """Return the objects of each picture; raises ``Rejected`` or ``Retryable``."""


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
    """Asks several questions at a time; safe for use by many threads.

    Args:
        models: what answers.
        depth: requests under way at once.
        now_ms: the host's clock, UTC milliseconds.
        now_s: a clock that never goes back, seconds.
        pause: waits that many seconds and returns False when the caller is to stop.
        patience: limits.
        batches: limits of what goes into one request.
    """

    def __init__(
        self,
        models: Looks,
        *,
        depth: int,
        now_ms: Callable[[], int],
        now_s: Callable[[], float],
        pause: Callable[[float], bool],
        patience: Patience | None = None,
        batches: BatchConfig | None = None,
    ) -> None:
        self._models = models
        self._depth = depth
        self._now_ms = now_ms
        self._now_s = now_s
        self._pause = pause
        self._patience = patience or Patience()
        self._batches = batches or BatchConfig()
        self._pool = ThreadPoolExecutor(depth, thread_name_prefix="ask")
        self._troubles = Troubles(now_ms, self._patience)
        self._changed = threading.Condition()
        self._calls = itertools.count()
        self._waiting: dict[int, dict[str, str]] = {}
        self._unanswered = 0
        # Half of the requests wait at the servers for the other half.
        self._occupancy = Occupancy(enough=max(1, depth // 2), since_s=now_s())

    @property
    def troubles(self) -> dict[str, Trouble]:
        """The models without answers, by their names."""
        return self._troubles.known

    @property
    def waiting(self) -> dict[str, str]:
        """Why frames wait for an answer, by their cameras."""
        with self._changed:
            return {c: why for one in self._waiting.values() for c, why in one.items()}

    @property
    def problem(self) -> str | None:
        """What is being waited for, or which models give no answers; for /healthz."""
        found = [trouble.message for trouble in self.troubles.values()]
        return "; ".join(dict.fromkeys([*self.waiting.values(), *found])) or None

    @property
    def work(self) -> Work:
        """How long requests have been under way so far."""
        with self._changed:
            self._occupancy = occupancy.step(self._occupancy, 0, self._now_s())
            return self._occupancy.work

    @property
    def is_idle(self) -> bool:
        """Whether every question has its outcome."""
        with self._changed:
            return self._unanswered == 0

    def has_room(self, ahead: int, timeout_s: float) -> bool:
        """Wait until more questions are welcome; False: none are in this time.

        They are while fewer requests are under way than there can be, and while fewer questions
        than ``ahead`` have no outcome.
        """
        with self._changed:
            return self._changed.wait_for(lambda: self._is_welcome(ahead), timeout_s)

    def ask(self, questions: Sequence[Question]) -> list[Outcome] | None:
        """Return an outcome for each question, in order; None if the caller is to stop."""
        call, outcomes = next(self._calls), dict[int, Outcome]()
        left = [_Open(index, question) for index, question in enumerate(questions)]
        pause_s = self._patience.first_pause_s
        self._settle(-len(left))
        try:
            while True:
                waiting: dict[str, str] = {}
                again: list[_Open] = []
                for one, result in self._round(left):
                    if isinstance(result, Retryable):
                        waiting[one.question.camera] = str(result)
                        again.append(one)
                    else:
                        outcomes[one.index] = result
                self._wait_for(call, waiting)
                if not again:
                    return [outcomes[index] for index in range(len(questions))]
                left = again
                if not self._pause(pause_s):
                    return None
                pause_s = min(2 * pause_s, self._patience.longest_pause_s)
        finally:
            self._wait_for(call, {})
            self._settle(len(questions) - len(outcomes))

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(cancel_futures=True)

    def _is_welcome(self, ahead: int) -> bool:
        # While questions wait for a server no requests are under way, and yet there is no room.
        free = self._occupancy.under_way < self._depth and not self._waiting
        return free or self._unanswered < ahead

    def _wait_for(self, call: int, waiting: dict[str, str]) -> None:
        with self._changed:
            if waiting:
                self._waiting[call] = waiting
            else:
                self._waiting.pop(call, None)

    def _settle(self, questions: int, requests: int = 0) -> None:
        """Note how many questions have got an outcome, and how many requests have ended."""
        with self._changed:
            self._unanswered -= questions
            self._occupancy = occupancy.step(self._occupancy, -requests, self._now_s())
            self._changed.notify_all()

    def _round(self, left: Sequence[_Open]) -> list[tuple[_Open, _Result]]:
        results: list[tuple[_Open, _Result]] = []
        asked: list[_Open] = []
        for one in left:
            given_up = self._troubles.given_up(one.question.model)
            if given_up is None:
                asked.append(one)
            else:
                results.append((one, given_up))
        batches = list(self._batched(asked))
        self._settle(len(results), -len(batches))
        under_way = [self._pool.submit(self._request, batch) for batch in batches]
        return results + [result for batch in under_way for result in batch.result()]

    def _request(self, batch: Sequence[_Open]) -> list[tuple[_Open, _Result]]:
        results = self._answers(batch)
        self._settle(sum(not isinstance(result, Retryable) for _, result in results), 1)
        return results

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
            reason = MODEL_MISSING if isinstance(error, ModelMissing) else MODEL_FAILED
            died = isinstance(error, ModelDied)
            comes_back = isinstance(error, ModelDied | ModelLoading)
            camera = batch[0].question.camera
            self._troubles.note(model, camera, reason, str(error), comes_back=comes_back)
            if isinstance(error, ModelFailing):
                for one in batch:
                    one.failed_ms = one.failed_ms if one.failures else self._now_ms()
                    one.failures += 1
                    one.died = died
            return [(one, self._failed(one, error)) for one in batch]
        except Retryable as error:
            return [(one, self._unanswered_for(one.question, error)) for one in batch]
        self._troubles.answered(model)
        return list(zip(batch, answers, strict=True))

    def _failed(self, one: _Open, error: Retryable) -> _Result:
        """Blame the picture if the model answers about others, or has failed on it for long."""
        model = one.question.model
        tried_s = (self._now_ms() - one.failed_ms) / 1000
        # A process that is gone fails at whatever comes until it is there again.
        limit_s = self._patience.died_s if one.died else self._patience.missing_s
        answers = not one.died and self._troubles.has_answered_since(model, one.failed_ms)
        if one.failures >= _FAILING_TRIES and (answers or tried_s >= limit_s):
            return Refusal("failed", MODEL_FAILED, model)
        return error

    def _unanswered_for(self, question: Question, error: Retryable) -> _Result:
        waited_s = (self._now_ms() - question.arrived_at) / 1000
        if not question.keep and waited_s > self._patience.unavailable_s:
            return Refusal("dropped", MODEL_UNAVAILABLE, question.model)
        return error
