"""What really happens in the scene: crossings and visits, by the true boxes of the bodies.

The anchor is the middle of a box's lower edge, as the sensors take it. Times are those of the first
frame in which something has come true.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from producers.scene.actors import actors, visible, walker_at
from producers.scene.place import FPS, HEIGHT, LINE, LINE_SENSOR, WIDTH, ZONE, ZONE_SENSOR, Point
from producers.scene.programme import CYCLE_FRAMES, CYCLE_S, Walker, cycle

_FRAME_MS = 1000 // FPS


@dataclass(frozen=True, slots=True)
class TruthEvent:
    """One thing that a sensor ought to report."""

    at_ms: int
    """Since frame 0. ``left`` is the first frame outside: a sensor tells it ``leave_after_s``
    later, counted from the frame before."""
    sensor: str
    trigger: str
    """``crossed``, ``entered`` or ``left``."""
    direction: str | None
    """``forward`` or ``backward`` over the line."""
    object: str
    """Name of the person, unique in the scene."""


def boxes(seed: int, index: int) -> tuple[tuple[str, float, float, float, float], ...]:
    """Return name, x1, y1, x2, y2 of all bodies in a frame, normalised, the farthest first.

    Boxes end where the picture ends.
    """
    seen = [(one.name, visible(one.box)) for one in actors(seed, index)]
    return tuple((name, *box) for name, box in seen if box is not None)


def truth(seed: int, from_ms: int, to_ms: int) -> tuple[TruthEvent, ...]:
    """Return what happens from ``from_ms`` on and before ``to_ms``, in ms since frame 0, by time.

    Cars cross no sensor and do not occur.
    """
    cycle_ms = CYCLE_S * 1000
    first, last = max(0, from_ms) // cycle_ms, (to_ms - 1) // cycle_ms
    return tuple(
        event
        for number in range(first, last + 1)
        for event in _of_cycle(seed, number)
        if from_ms <= event.at_ms < to_ms
    )


def side_of_line(anchor: Point) -> float:
    """Return on which side of the line, prolonged, a normalised place is: right is positive.

    Right is to the right hand of who looks along the line from its first point on the screen,
    where y runs downwards.
    """
    (x1, y1), (x2, y2) = LINE
    return (x2 - x1) * (anchor[1] - y1) - (y2 - y1) * (anchor[0] - x1)


def in_zone(anchor: Point) -> bool:
    """Tell whether a normalised place is in the zone, which is convex; its edge is inside."""
    sides = [
        (x2 - x1) * (anchor[1] - y1) - (y2 - y1) * (anchor[0] - x1)
        for (x1, y1), (x2, y2) in zip(ZONE, (*ZONE[1:], ZONE[0]), strict=True)
    ]
    return all(side >= 0 for side in sides)


@lru_cache(maxsize=64)
def _of_cycle(seed: int, number: int) -> tuple[TruthEvent, ...]:
    start_ms = number * CYCLE_S * 1000
    events = [event for one in cycle(seed, number).walkers for event in _of_walker(one, start_ms)]
    return tuple(sorted(events, key=lambda event: (event.at_ms, event.object, event.sensor)))


def _of_walker(walker: Walker, start_ms: int) -> Iterator[TruthEvent]:
    first = math.ceil(walker.way.start_s * FPS)
    last = min(math.floor(walker.way.end_s * FPS), CYCLE_FRAMES - 1)
    before: Point | None = None
    for frame in range(first, last + 1):
        anchor = _anchor(walker, frame)
        at_ms = start_ms + frame * _FRAME_MS
        if before is not None and _cuts(before, anchor):
            direction = "forward" if side_of_line(anchor) > 0 else "backward"
            yield TruthEvent(at_ms, LINE_SENSOR, "crossed", direction, walker.name)
        was_inside = before is not None and in_zone(before)
        if in_zone(anchor) != was_inside:
            trigger = "left" if was_inside else "entered"
            yield TruthEvent(at_ms, ZONE_SENSOR, trigger, None, walker.name)
        before = anchor


def _anchor(walker: Walker, frame: int) -> Point:
    x1, _, x2, y2 = walker_at(walker, frame / FPS).box
    return (x1 + x2) / 2 / WIDTH, y2 / HEIGHT


def _cuts(before: Point, after: Point) -> bool:
    """Tell whether a step cuts the line between its ends."""
    one, other = side_of_line(before), side_of_line(after)
    if (one > 0) == (other > 0):
        return False
    part = one / (one - other)
    x, y = (a + part * (b - a) for a, b in zip(before, after, strict=True))
    (x1, y1), (x2, y2) = LINE
    along = ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / math.dist(*LINE) ** 2
    return 0 <= along <= 1
