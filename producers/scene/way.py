"""A way over the ground: where someone is at which time, and how far they have come."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from producers.scene.place import Point, person_height

_RAMP_S = 0.3
"""Someone takes so long to come to a stand, and to stride out again."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A corner of a way; who pauses there stands for so long."""

    x: float
    y: float
    pause_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Way:
    """Straight stretches at one speed, with pauses between them."""

    times: tuple[float, ...]
    """When each of ``places`` is reached, seconds; ascending."""
    places: tuple[Point, ...]
    """Pixels; a pause names its place twice."""
    travelled: tuple[float, ...]
    """Pixels gone up to each of ``places``."""

    @property
    def start_s(self) -> float:
        """When it begins."""
        return self.times[0]

    @property
    def end_s(self) -> float:
        """When it is over."""
        return self.times[-1]

    @property
    def mean_height(self) -> float:
        """Mean over its corners of how tall a person of middle height is drawn, pixels."""
        return sum(person_height(row) for _, row in self.places) / len(self.places)

    def place(self, at_s: float) -> Point:
        """Return x, y in pixels."""
        index, part = self._stretch(at_s)
        (x1, y1), (x2, y2) = self.places[index], self.places[index + 1]
        return x1 + part * (x2 - x1), y1 + part * (y2 - y1)

    def distance(self, at_s: float) -> float:
        """Return the pixels gone so far."""
        index, part = self._stretch(at_s)
        return self.travelled[index] + part * (self.travelled[index + 1] - self.travelled[index])

    def stride(self, at_s: float) -> float:
        """Return how widely the legs swing: 1 walking, 0 standing."""
        index, _ = self._stretch(at_s)
        if self.travelled[index + 1] > self.travelled[index]:
            return 1.0
        still_s = min(at_s - self.times[index], self.times[index + 1] - at_s)
        return 1.0 - min(1.0, still_s / _RAMP_S)

    def facing(self, at_s: float) -> int:
        """Return 1 to the right or -1 to the left; who stands looks where they came from."""
        index, _ = self._stretch(at_s)
        while index > 0 and self.places[index] == self.places[index + 1]:
            index -= 1
        return 1 if self.places[index + 1][0] >= self.places[index][0] else -1

    def _stretch(self, at_s: float) -> tuple[int, float]:
        index = min(max(bisect_right(self.times, at_s) - 1, 0), len(self.times) - 2)
        begin, end = self.times[index], self.times[index + 1]
        return index, min(max((at_s - begin) / (end - begin), 0.0), 1.0)


def way_through(stops: Sequence[Stop], start_s: float, speed: float) -> Way:
    """Return the way through two stops or more at a speed in pixels a second.

    >>> way = way_through([Stop(0, 0), Stop(30, 40, pause_s=2), Stop(30, 90)], 1.0, 50.0)
    >>> way.times, way.place(2.5), way.distance(4.5)
    ((1.0, 2.0, 4.0, 5.0), (30.0, 40.0), 75.0)
    """
    times, places, travelled = [start_s], [(stops[0].x, stops[0].y)], [0.0]
    for stop in stops[1:]:
        length = math.dist(places[-1], (stop.x, stop.y))
        times.append(times[-1] + length / speed)
        places.append((stop.x, stop.y))
        travelled.append(travelled[-1] + length)
        if stop.pause_s:
            times.append(times[-1] + stop.pause_s)
            places.append(places[-1])
            travelled.append(travelled[-1])
    return Way(tuple(times), tuple(places), tuple(travelled))
