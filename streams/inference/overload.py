"""What to leave out when frames come faster than the models answer: the newest of a camera wins.

A backlog alone is no overload: after a restart it is worked off. Only when working it off would
take too long are frames left out, until none had to be for a while. Then of each camera the newest
frame is looked at, and where even these are too many, those of the cameras that have waited longest:
all get the same share, however many frames one of them sends, and no answer is old.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

_SMOOTHING = 0.2
_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class OverloadConfig:
    """When overload begins and ends, in seconds of the host's clock."""

    backlog_s: float = 5.0
    """Work waiting that would take longer than this is overload."""
    calm_s: float = 30.0
    """So long must nothing have been left out for it to be over."""
    turn_s: float = 1.0
    """In overload so much work is taken on at once: an answer is then at most about twice as old."""


@dataclass(frozen=True, slots=True)
class Load:
    """How fast models look at frames, and whether there are too many."""

    looks_per_s: float | None = None
    """Smoothed; None until the first have been answered."""
    overloaded: bool = False
    left_out_s: float = 0.0
    """When a look was last left out, on the clock of ``now_s``."""
    turn: int = 0
    """Turns in which looks were left out, so far."""
    served: Mapping[str, int] = field(default_factory=dict)
    """The turn of each camera's latest look in overload."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A look at a frame that was read and not yet asked for."""

    camera: str
    """The camera; where several models look at it, the camera and the model."""
    keep: bool
    """It must not be left out."""


def answered(load: Load, looks: int, busy_s: float) -> Load:
    """Return the load after ``looks`` have been answered in ``busy_s`` seconds."""
    if looks == 0 or busy_s <= 0:
        return load
    rate = looks / busy_s
    if load.looks_per_s is not None:
        rate = load.looks_per_s + _SMOOTHING * (rate - load.looks_per_s)
    return replace(load, looks_per_s=rate)


def step(
    load: Load, looks: Sequence[Waiting], behind: int, now_s: float, config: OverloadConfig
) -> tuple[Load, frozenset[int]]:
    """Return the load and which of the looks to leave out, by their index.

    Args:
        load: before.
        looks: not yet asked for, in order.
        behind: records that have not been read yet.
        now_s: a clock that never goes back.
        config: limits.
    """
    overloaded = load.overloaded
    if load.looks_per_s is not None and not overloaded:
        overloaded = (len(looks) + behind) / load.looks_per_s > config.backlog_s
        if overloaded:
            load = replace(load, left_out_s=now_s)
    if not overloaded or load.looks_per_s is None:
        return load, frozenset()
    taken, served = _taken(load, load.looks_per_s, looks, config)
    left_out = frozenset(range(len(looks))) - taken
    left_out_s = now_s if left_out else load.left_out_s
    over = now_s - left_out_s >= config.calm_s
    if over:
        return replace(load, overloaded=False, turn=0, served={}), left_out
    return Load(load.looks_per_s, True, left_out_s, load.turn + 1, served), left_out


def _taken(
    load: Load, looks_per_s: float, looks: Sequence[Waiting], config: OverloadConfig
) -> tuple[frozenset[int], dict[str, int]]:
    """Return which looks to take, and which cameras have been served when."""
    kept = frozenset(index for index, look in enumerate(looks) if look.keep)
    newest = {look.camera: index for index, look in enumerate(looks)}
    in_line = sorted(
        (load.served.get(camera, -1), index)
        for camera, index in newest.items()
        if index not in kept
    )
    in_time = max(1, round(looks_per_s * config.turn_s))
    # What must be kept may fill a turn, but not take the others' share altogether.
    room = max(in_time - len(kept), -(-in_time // 2))
    taken = kept | {index for _, index in in_line[:room]}
    served = {camera: turn for camera, turn in load.served.items() if camera not in newest}
    served |= {
        camera: load.turn if index in taken else load.served.get(camera, -1)
        for camera, index in newest.items()
    }
    return taken, dict(list(served.items())[-_REMEMBERED:])
