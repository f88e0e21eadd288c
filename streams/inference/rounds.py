"""Asking all models of some frames: the detectors about the frames, then others about cut-outs.

Which models are of the second stage is learned by asking: one that is of another stage refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from schemas.records import Frame
from streams.inference.answer import Outcome, Refusal
from streams.inference.asking import Question
from streams.inference.choosing import Use
from streams.inference.client import OTHER_STAGE
from streams.inference.crops import attributed, crops_of

Ask = Callable[[Sequence[Question]], list[Outcome] | None]


@dataclass(frozen=True, slots=True)
class Shown:
    """A frame, and the models that are to look at it."""

    frame: Frame
    uses: tuple[Use, ...]
    arrived_at: int = 0
    """When the frame reached the broker, UTC ms."""
    background: bytes = b""


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of a frame."""

    outcomes: tuple[Outcome, ...]
    """Of each model asked, in the order of its uses, those of the second stage last."""
    attributes: tuple[str, ...] = ()
    """Of each object, JSON; empty: none of any."""


class Rounds:
    """Asks about frames in at most two rounds; safe for use by many threads.

    Args:
        ask: returns an outcome for each question, in order; None: the process is to stop.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._second: set[str] = set()

    @property
    def second(self) -> frozenset[str]:
        """The models known to be of the second stage."""
        return frozenset(self._second)

    def about(self, shown: Sequence[Shown]) -> list[Said] | None:
        """Return what was said of each frame, in order; None: the process is to stop."""
        second = set(self._second)
        first = self._first(shown, second)
        if first is None:
            return None
        crops = [
            crops_of(one.frame.jpeg, outcomes, [use for use in one.uses if use.model in second])
            for one, outcomes in zip(shown, first, strict=True)
        ]
        answers = self._ask(
            [
                _question(one, crop.model, crop.jpeg, crop=True)
                for one, found in zip(shown, crops, strict=True)
                for crop in found
            ]
        )
        if answers is None:
            return None
        self._second -= {answer.model for answer in answers if _is_of_other_stage(answer)}
        left = iter(answers)
        said = []
        for outcomes, found in zip(first, crops, strict=True):
            more = attributed(outcomes, found, [next(left) for _ in found])
            said.append(Said((*outcomes, *more.outcomes), more.attributes))
        return said

    def _first(self, shown: Sequence[Shown], second: set[str]) -> list[list[Outcome]] | None:
        """Ask the detectors; whichever is none is put into ``second``."""
        asked = [
            (index, use.model)
            for index, one in enumerate(shown)
            for use in one.uses
            if use.model not in second
        ]
        answers = self._ask(
            [
                _question(shown[index], model, shown[index].frame.jpeg, crop=False)
                for index, model in asked
            ]
        )
        if answers is None:
            return None
        found: list[list[Outcome]] = [[] for _ in shown]
        for (index, model), answer in zip(asked, answers, strict=True):
            if _is_of_other_stage(answer):
                second.add(model)
                self._second.add(model)
            else:
                found[index].append(answer)
        return found


def _is_of_other_stage(outcome: Outcome) -> bool:
    return isinstance(outcome, Refusal) and outcome.reason == OTHER_STAGE


def _question(shown: Shown, model: str, jpeg: bytes, *, crop: bool) -> Question:
    return Question(
        model=model,
        camera=shown.frame.camera,
        jpeg=jpeg,
        arrived_at=shown.arrived_at,
        background=b"" if crop else shown.background,
        keep=shown.frame.keep,
        stage="crop" if crop else "detector",
    )
