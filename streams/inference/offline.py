"""What detect would say of a camera's frames, without Kafka and Triton: for replay and tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from schemas.errors import Rejected
from schemas.records import Frame, Reading
from streams.inference.answer import Answer, Outcome, Refusal
from streams.inference.choosing import Use
from streams.inference.crops import attributed, crops_of
from streams.inference.histories import Memory, remember
from streams.inference.rates import due
from streams.inference.readings import frame_reading


class Model(Protocol):
    """What answers in this process; ``streams.inference.local.LocalModel`` is one."""

    @property
    def sees_crops(self) -> bool:
        """Whether it looks at cut-outs of what other models found."""

    def infer(self, jpeg: bytes, background: bytes = b"") -> Answer:
        """Return the objects of one frame; raises ``Rejected``."""


def readings_of(
    frames: Iterable[Frame], uses: Sequence[Use], models: Mapping[str, Model]
) -> Iterator[Reading]:
    """Yield the readings of one camera's frames, from its first on; offsets count from 0.

    Args:
        frames: in order.
        uses: the camera's models.
        models: by name, all of those.
    """
    memory = Memory()
    second = {use.model for use in uses if models[use.model].sees_crops}
    for offset, frame in enumerate(frames):
        memory, before = remember(memory, frame, offset)
        looking = due(uses, frame, before.previous_at)
        outcomes = [
            _ask(models[use.model], use.model, frame.jpeg, before.background)
            for use in looking
            if use.model not in second
        ]
        crops = crops_of(frame.jpeg, outcomes, [use for use in looking if use.model in second])
        said = [_ask(models[crop.model], crop.model, crop.jpeg) for crop in crops]
        more = attributed(outcomes, crops, said)
        yield frame_reading(frame, offset, [*outcomes, *more.outcomes], more.attributes)


def _ask(model: Model, name: str, jpeg: bytes, background: bytes = b"") -> Outcome:
    try:
        return model.infer(jpeg, background)
    except Rejected as error:
        return Refusal("failed", error.reason, name)
