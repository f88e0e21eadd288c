"""What detect would say of a camera's frames, without Kafka and Triton: for replay and tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from schemas.errors import Rejected
from schemas.records import Frame, Reading
from streams.inference.answer import Answer, Outcome, Refusal
from streams.inference.choosing import Use
from streams.inference.histories import Memory, remember
from streams.inference.rates import due
from streams.inference.readings import frame_reading


class Model(Protocol):
    """What answers in this process; ``streams.inference.local.LocalModel`` is one."""

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
    for offset, frame in enumerate(frames):
        memory, before = remember(memory, frame, offset)
        looking = due(uses, frame, before.previous_at)
        outcomes = [_ask(models[use.model], use.model, frame, before.background) for use in looking]
        yield frame_reading(frame, offset, outcomes)


def _ask(model: Model, name: str, frame: Frame, background: bytes) -> Outcome:
    try:
        return model.infer(frame.jpeg, background)
    except Rejected as error:
        return Refusal("failed", error.reason, name)
