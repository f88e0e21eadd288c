"""What to leave out when frames come faster than the models answer: the newest of a camera wins.

A backlog alone is no overload: after a restart it is worked off. Only when working it off would
take too long are frames left out, until none had to be for a while. Then no more is taken on at once
than a moment's work, so no answer is old, and all cameras get the same share of it, however many
frames one of them sends: each its newest frame, and what it gets beyond that spread over the others.
Where even the newest are too many, the cameras that got the fewest so far come first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heapify, heappop, heappush

from streams.inference.occupancy import Work

_SMOOTHING = 0.2
_MEASURED_S = 0.25
_ENOUGH = 8
"""Looks that tell how fast a model is; of fewer in less time the figure is chance."""
_FULL = 0.8
"""Where there was enough to do for less than this part of the time, it can be faster."""
_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class OverloadConfig:
    """When overload begins and ends, in seconds of the host's clock."""

    backlog_s: float = 5.0
    """Work waiting that would take longer than this is overload."""
    calm_s: float = 30.0
    """So long must nothing have been left out for it to be over."""
    turn_s: float = 0.25
    """In overload so much work is taken on at once: an answer is then at most about three times as
    old."""
    burst_s: float = 1.0
    """And so much by models that had nothing to do: cameras may send at the same moment."""


@dataclass(frozen=True, slots=True)
class Load:
    """How fast models look at frames, and whether there are too many."""

    looks_per_s: float | None = None
    """Smoothed; None until the first have been answered."""
    overloaded: bool = False
    left_out_s: float = 0.0
    """When a look was last left out, on the clock of ``now_s``."""
    served: Mapping[str, int] = field(default_factory=dict)
    """The looks that each camera got since overload began."""
    looks: int = 0
    """Answered since the speed was last reckoned, and how long that took."""
    work: Work = field(default_factory=Work)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A look at a frame that was read and not yet asked for."""

    camera: str
    """The camera; where several models look at it, the camera and the model."""
    keep: bool
    """It must not be left out."""


def answered(load: Load, looks: int, work: Work) -> Load:
    """Return the load after more looks have been answered in so much work."""
    looks, work = load.looks + looks, load.work + work
    if looks < _ENOUGH or work.busy_s < _MEASURED_S:
        return replace(load, looks=looks, work=work)
    rate, known = looks / work.busy_s, load.looks_per_s
    if work.full_s < _FULL * work.busy_s and rate <= (known or rate):
        rate_now = known
    else:
        rate_now = rate if known is None else known + _SMOOTHING * (rate - known)
    return replace(load, looks_per_s=rate_now, looks=0, work=Work())


def step(
    load: Load,
    looks: Sequence[Waiting],
    behind: int,
    now_s: float,
    config: OverloadConfig,
    *,
    idle: bool = False,
) -> tuple[Load, frozenset[int]]:
    """Return the load and which of the looks to leave out, by their index.

    Args:
        load: before.
        looks: not yet asked for, in order.
        behind: records that have not been read yet.
        now_s: a clock that never goes back.
        config: limits.
        idle: the models had nothing to do.
    """
    overloaded = load.overloaded
    if load.looks_per_s is not None and not overloaded:
        overloaded = (len(looks) + behind) / load.looks_per_s > config.backlog_s
        if overloaded:
            load = replace(load, left_out_s=now_s)
    if not overloaded or load.looks_per_s is None:
        return load, frozenset()
    room_s = config.burst_s if idle else config.turn_s
    taken, served = _taken(load, max(1, round(load.looks_per_s * room_s)), looks)
    left_out = frozenset(range(len(looks))) - taken
    if left_out:
        load = replace(load, left_out_s=now_s)
    if now_s - load.left_out_s >= config.calm_s:
        return replace(load, overloaded=False, served={}), left_out
    return replace(load, overloaded=True, served=served), left_out


def _taken(
    load: Load, in_time: int, looks: Sequence[Waiting]
) -> tuple[frozenset[int], dict[str, int]]:
    """Return which looks to take, and how many each camera has got."""
    kept = frozenset(index for index, look in enumerate(looks) if look.keep)
    waiting: dict[str, list[int]] = {}
    for index, look in enumerate(looks):
        if not look.keep:
            waiting.setdefault(look.camera, []).append(index)
    # What must be kept may fill a turn, but not take the others' share altogether.
    room = max(in_time - len(kept), -(-in_time // 2))
    known = [load.served[camera] for camera in waiting if camera in load.served]
    # Whoever sent nothing for long, or is new, has not all of that in store.
    floor = max(max(known, default=0) - in_time, min(known, default=0))
    so_far = {camera: max(floor, load.served.get(camera, 0)) for camera in waiting}
    shares = _shares({camera: len(one) for camera, one in waiting.items()}, so_far, room)
    taken = set(kept)
    for camera, share in shares.items():
        taken.update(_spread(waiting[camera], share))
    served = {camera: count for camera, count in load.served.items() if camera not in shares}
    served |= {camera: so_far[camera] + share for camera, share in shares.items()}
    return frozenset(taken), dict(list(served.items())[-_REMEMBERED:])


def _shares(wanted: Mapping[str, int], so_far: Mapping[str, int], room: int) -> dict[str, int]:
    """Return how much of the room each gets, so that all have got the same as far as they want it.

    >>> _shares({"a": 1, "b": 9, "c": 3}, {"a": 5, "b": 5, "c": 5}, 8)
    {'a': 1, 'b': 4, 'c': 3}
    >>> _shares({"a": 9, "b": 9}, {"a": 7, "b": 4}, 5)
    {'a': 1, 'b': 4}
    """
    shares = dict.fromkeys(wanted, 0)
    in_line = [(so_far[name], number, name) for number, name in enumerate(wanted)]
    heapify(in_line)
    for _ in range(min(room, sum(wanted.values()))):
        got, number, name = heappop(in_line)
        shares[name] += 1
        if shares[name] < wanted[name]:
            heappush(in_line, (got + 1, number, name))
    return shares


def _spread(indices: Sequence[int], share: int) -> list[int]:
    """Return so many of the indices, evenly, the last among them.

    >>> _spread([0, 1, 2, 3, 4], 2), _spread([7, 8, 9], 1), _spread([1, 2], 0)
    ([4, 2], [9], [])
    """
    return [indices[-1 - step * len(indices) // share] for step in range(share)]
