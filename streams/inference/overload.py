"""What to leave out when frames come faster than the models answer: the newest of a camera wins.

A backlog alone is no overload: after a restart it is worked off. Only when working it off would
take too long are frames left out, and then evenly, until none had to be for a while.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

_SMOOTHING = 0.2


@dataclass(frozen=True, slots=True)
class OverloadConfig:
    """When overload begins and ends, in seconds of the host's clock."""

    backlog_s: float = 5.0
    """Work waiting that would take longer than this is overload."""
    calm_s: float = 30.0
    """So long must nothing have been left out for it to be over."""


@dataclass(frozen=True, slots=True)
class Load:
    """How fast frames are answered, and whether there are too many."""

    frames_per_s: float | None = None
    """Smoothed; None until the first frames have been answered."""
    overloaded: bool = False
    left_out_s: float = 0.0
    """When a frame was last left out, on the clock of ``now_s``."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A frame that was read and not yet asked about."""

    camera: str
    keep: bool
    """It must not be left out."""


def answered(load: Load, frames: int, busy_s: float) -> Load:
    """Return the load after ``frames`` have been answered in ``busy_s`` seconds."""
    if frames == 0 or busy_s <= 0:
        return load
    rate = frames / busy_s
    if load.frames_per_s is not None:
        rate = load.frames_per_s + _SMOOTHING * (rate - load.frames_per_s)
    return replace(load, frames_per_s=rate)


def step(
    load: Load, frames: Sequence[Waiting], behind: int, now_s: float, config: OverloadConfig
) -> tuple[Load, frozenset[int]]:
    """Return the load and which of the frames to leave out, by their index.

    Args:
        load: before.
        frames: read and not yet asked about, in order.
        behind: records that have not been read yet.
        now_s: a clock that never goes back.
        config: limits.
    """
    overloaded = load.overloaded
    if load.frames_per_s is not None and not overloaded:
        overloaded = (len(frames) + behind) / load.frames_per_s > config.backlog_s
        if overloaded:
            load = replace(load, left_out_s=now_s)
    if not overloaded:
        return load, frozenset()
    newest = {frame.camera: index for index, frame in enumerate(frames)}
    left_out = frozenset(
        index
        for index, frame in enumerate(frames)
        if not frame.keep and newest[frame.camera] != index
    )
    left_out_s = now_s if left_out else load.left_out_s
    over = now_s - left_out_s >= config.calm_s
    return replace(load, overloaded=not over, left_out_s=left_out_s), left_out
