"""A path with fewer points that is still where the object was, when it was there."""

from __future__ import annotations

import math
from collections.abc import Sequence

Place = tuple[int, float, float]
"""(UTC ms, x, y), normalised."""

FINEST = 0.002
"""No point nearer than this (of the picture) to the simplified path is worth keeping."""


def shorten(path: Sequence[Place], most: int) -> list[Place]:
    """Return at most ``most`` (2 or more) points of ``path``, its ends among them.

    Every point left out lies within a tolerance of where the simplified path is at its time, so
    waits survive as well as corners: TD-TR, Meratnia and de By, EDBT 2004. The tolerance starts
    at ``FINEST`` and doubles until few enough points are left.

    >>> shorten([(0, 0.0, 0.0), (500, 0.25, 0.0), (1000, 0.5, 0.0)], 256)
    [(0, 0.0, 0.0), (1000, 0.5, 0.0)]
    """
    kept, tolerance = _within(path, FINEST), FINEST
    while len(kept) > most:
        tolerance *= 2
        kept = _within(kept, tolerance)
    return kept


def _within(path: Sequence[Place], tolerance: float) -> list[Place]:
    if len(path) < 3:
        return list(path)
    keep = {0, len(path) - 1}
    spans = [(0, len(path) - 1)]
    while spans:
        first, last = spans.pop()
        worst, at = _worst(path, first, last)
        if worst > tolerance:
            keep.add(at)
            spans += [(first, at), (at, last)]
    return [path[index] for index in sorted(keep)]


def _worst(path: Sequence[Place], first: int, last: int) -> tuple[float, int]:
    """Return the largest synchronised distance between two points, and where it is."""
    start_at, x, y = path[first]
    end_at, end_x, end_y = path[last]
    worst, found = 0.0, first
    for index in range(first + 1, last):
        at, px, py = path[index]
        part = (at - start_at) / (end_at - start_at)
        distance = math.hypot(x + (end_x - x) * part - px, y + (end_y - y) * part - py)
        if distance > worst:
            worst, found = distance, index
    return worst, found
