"""What detect would say of a camera's frames, without Kafka and Triton: for replay and tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from schemas.errors import Rejected
from schemas.records import Frame, Reading
from streams.inference.answer import Answer, Outcome, Refusal
from streams.inference.asking import Question
from streams.inference.choosing import Use
from streams.inference.client import OTHER_STAGE
from streams.inference.histories import Memory, remember
from streams.inference.rates import due
from streams.inference.readings import frame_reading
from streams.inference.rounds import Rounds, Shown


class Model(Protocol):
    """What answers in this process; ``streams.inference.local.LocalModel`` is one."""

    @property
    def sees_crops(self) -> bool:
        """Whether it looks at cut-outs of what other models found."""

    def infer(self, jpeg: bytes, background: bytes = b"") -> Answer:
        """Return the objects of one picture; raises ``Rejected``."""


def readings_of(
    frames: Iterable[Frame], uses: Sequence[Use], models: Mapping[str, Model]
) -> Iterator[Reading]:
    """Yield the readings of one camera's frames, from its first on; offsets count from 0.

    Args:
        frames: in order.
        uses: the camera's models.
        models: by name, all of those.
    """
    memory, rounds = Memory(), Rounds(lambda questions: [_answer(q, models) for q in questions])
    for offset, frame in enumerate(frames):
        memory, before = remember(memory, frame, offset)
        looking = due(uses, frame, before.previous_at)
        found = rounds.about([Shown(frame, looking, background=before.background)])
        assert found is not None
        yield frame_reading(frame, offset, found[0].outcomes, found[0].attributes)


def _answer(question: Question, models: Mapping[str, Model]) -> Outcome:
    model = models[question.model]
    if model.sees_crops != (question.stage == "crop"):
        return Refusal("failed", OTHER_STAGE, question.model)
    try:
        return model.infer(question.jpeg, question.background)
    except Rejected as error:
        return Refusal("failed", error.reason, question.model)
