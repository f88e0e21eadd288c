"""Which models do not look at which frames, for want of time. Pure.

Each detector of a camera has a newest frame of its own: a slow one would starve if only the newest
frame of all were looked at, for it is seldom due just then. A model of the second stage has none: it
can only look where a detector does, so what it was due at and no detector looked at, it makes up for
at the camera's next frame at which one does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from streams.inference import overload
from streams.inference.answer import Refusal
from streams.inference.choosing import Use
from streams.inference.overload import Load, OverloadConfig, Waiting
from streams.inference.readings import OVERLOAD
from streams.inference.rounds import Shown

_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Spared:
    """A frame with the models that look at it after all."""

    shown: Shown
    left_out: tuple[Refusal, ...] = ()
    """One for each of the others."""


@dataclass(frozen=True, slots=True)
class Owed:
    """A look of the second stage that is to be made up for."""

    use: Use
    config_version: int
    """Under another one the camera may have other models."""


@dataclass(frozen=True, slots=True)
class Sparing:
    """What is known between turns."""

    load: Load = field(default_factory=Load)
    owed: Mapping[str, Mapping[str, Owed]] = field(default_factory=dict)
    """By camera and model."""


def spare(
    state: Sparing,
    shown: Sequence[Shown],
    behind: int,
    now_s: float,
    config: OverloadConfig,
    second: AbstractSet[str] = frozenset(),
    *,
    idle: bool = False,
) -> tuple[Sparing, list[Spared]]:
    """Return the state, and each frame with the models that look at it.

    Args:
        state: before.
        shown: frames with the models due, in order.
        behind: records that have not been read yet.
        now_s: a clock that never goes back.
        config: limits.
        second: the models of the second stage.
        idle: the models had nothing to do.
    """
    looks = [
        (index, use.model)
        for index, one in enumerate(shown)
        for use in one.uses
        if use.model not in second
    ]
    waiting = [
        Waiting(f"{shown[index].frame.camera} {model}", shown[index].frame.keep)
        for index, model in looks
    ]
    load, left_out = overload.step(state.load, waiting, behind, now_s, config, idle=idle)
    without = {looks[number] for number in left_out}
    owed, spared = dict(state.owed), list[Spared]()
    for index, one in enumerate(shown):
        missed = frozenset(use.model for use in one.uses if (index, use.model) in without)
        found, later = _spared(one, missed, owed.pop(one.frame.camera, {}), second)
        spared.append(found)
        if later:
            owed[one.frame.camera] = later
    return Sparing(load, dict(list(owed.items())[-_REMEMBERED:])), spared


def _spared(
    one: Shown, missed: AbstractSet[str], owed: Mapping[str, Owed], second: AbstractSet[str]
) -> tuple[Spared, Mapping[str, Owed]]:
    """Return a frame without the detectors that it misses, and what its camera is owed then."""
    looking = any(use.model not in second and use.model not in missed for use in one.uses)
    if missed and not looking:
        version = one.frame.config_version
        later = {use.model: Owed(use, version) for use in one.uses if use.model in second}
        return Spared(replace(one, uses=()), _refusals(one.uses)), {**owed, **later}
    kept = tuple(use for use in one.uses if use.model not in missed)
    left_out = _refusals([use for use in one.uses if use.model in missed])
    if not looking:
        return Spared(one, left_out), owed
    made_up = tuple(
        one_owed.use
        for model, one_owed in owed.items()
        if one_owed.config_version == one.frame.config_version
        and model not in {use.model for use in kept}
    )
    return Spared(replace(one, uses=(*kept, *made_up)), left_out), {}


def _refusals(uses: Sequence[Use]) -> tuple[Refusal, ...]:
    return tuple(Refusal(OVERLOAD.outcome, OVERLOAD.reason, use.model) for use in uses)
