"""A path with fewer points that is still where the object was, when it was there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from heapq import heappop, heappush

Place = tuple[int, float, float]
"""(UTC ms, x, y), normalised."""

FINEST = 0.002
"""No point nearer than this (of the picture) to the simplified path is worth keeping."""


def shorten(path: Sequence[Place], most: int) -> list[Place]:
    """Return at most ``most`` (2 or more) points of ``path``, its ends among them.

    From the two ends on, the point is added that is farthest from where the simplified path is at
    its time, until none is farther than ``FINEST`` or there are enough; so waits survive as well as
    corners: TD-TR, Meratnia and de By, EDBT 2004, best point first.

    >>> shorten([(0, 0.0, 0.0), (500, 0.25, 0.0), (1000, 0.5, 0.0)], 256)
    [(0, 0.0, 0.0), (1000, 0.5, 0.0)]
    """
    last = len(path) - 1
    if last < 2:
        return list(path)
    keep = [0, last]
    spans = [span for span in (_worst(path, 0, last),) if span[0] < -FINEST]
    while spans and len(keep) < most:
        _, first, at, last = heappop(spans)
        keep.append(at)
        for span in (_worst(path, first, at), _worst(path, at, last)):
            if span[0] < -FINEST:
                heappush(spans, span)
    return [path[index] for index in sorted(keep)]


def _worst(path: Sequence[Place], first: int, last: int) -> tuple[float, int, int, int]:
    """Return the largest synchronised distance between two points, negative, and whose it is.

    The second number is ``first``, the third the index of the point, the fourth ``last``.
    """
    if last - first < 2:
        return 0.0, first, first, last
    start_at, x, y = path[first]
    end_at, end_x, end_y = path[last]
    span = (end_at - start_at) or 1
    speed_x, speed_y = (end_x - x) / span, (end_y - y) / span
    worst, found = 0.0, first
    for index, (at, px, py) in enumerate(path[first + 1 : last], first + 1):
        after = at - start_at
        dx, dy = x + speed_x * after - px, y + speed_y * after - py
        distance2 = dx * dx + dy * dy
        if distance2 > worst:
            worst, found = distance2, index
    return -math.sqrt(worst), first, found, last
