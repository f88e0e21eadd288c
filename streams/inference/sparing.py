"""Which models do not look at which frames, for want of time.

Each model of a camera has a newest frame of its own: a slow one would starve if only the newest
frame of all were looked at, for it is seldom due just then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from streams.inference import overload
from streams.inference.answer import Refusal
from streams.inference.overload import Load, OverloadConfig, Waiting
from streams.inference.readings import OVERLOAD
from streams.inference.rounds import Shown


@dataclass(frozen=True, slots=True)
class Spared:
    """A frame with the models that look at it after all."""

    shown: Shown
    left_out: tuple[Refusal, ...] = ()
    """One for each of the others."""


def spare(
    load: Load, shown: Sequence[Shown], behind: int, now_s: float, config: OverloadConfig
) -> tuple[Load, list[Spared]]:
    """Return the load, and each frame with the models that look at it.

    Args:
        load: before.
        shown: frames with the models due, in order.
        behind: records that have not been read yet.
        now_s: a clock that never goes back.
        config: limits.
    """
    looks = [(index, use.model) for index, one in enumerate(shown) for use in one.uses]
    waiting = [
        Waiting(f"{shown[index].frame.camera} {model}", shown[index].frame.keep)
        for index, model in looks
    ]
    load, left_out = overload.step(load, waiting, behind, now_s, config)
    without = {looks[number] for number in left_out}
    return load, [_spared(index, one, without) for index, one in enumerate(shown)]


def _spared(index: int, one: Shown, without: set[tuple[int, str]]) -> Spared:
    kept = tuple(use for use in one.uses if (index, use.model) not in without)
    left_out = tuple(
        Refusal(OVERLOAD.outcome, OVERLOAD.reason, use.model) for use in one.uses if use not in kept
    )
    return Spared(replace(one, uses=kept), left_out)
