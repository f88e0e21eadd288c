"""When a track was in a polygon, and when it crossed a line: exact for its simplified path. Pure.

A path is a line through its points at their times; between two of them the object is taken to move
straight and evenly. A sensor sees every observation and holds back jitter at its line, so its counts
may differ where an object lingers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import shapely
from shapely import Polygon

Direction = Literal["forward", "backward"]
Numbers = np.ndarray[Any, np.dtype[np.float64]]
TOUCHING_S = 1e-6
"""Stays that lie so close are one: they met at a point of the path."""


@dataclass(frozen=True, slots=True)
class Path:
    """The anchors of a track: seconds since its start, and places 0..1."""

    times: Numbers
    """Shape (n,), rising."""
    points: Numbers
    """Shape (n, 2)."""

    @classmethod
    def from_triples(cls, triples: Sequence[float]) -> Path:
        """Read the table's column: for each point seconds since the start, x and y."""
        rows = np.asarray(triples, dtype=np.float64).reshape(-1, 3)
        return cls(rows[:, 0], rows[:, 1:])


@dataclass(frozen=True, slots=True)
class Stay:
    """From when until when an object was inside, seconds since the start of its track."""

    from_s: float
    until_s: float


@dataclass(frozen=True, slots=True)
class Crossing:
    """When an object crossed a line, seconds since the start of its track, and to which side."""

    at_s: float
    direction: Direction


def stays(path: Path, polygon: Polygon) -> list[Stay]:
    """Return the stays inside a polygon, its edge included, in order.

    >>> square = shapely.box(0.4, 0.0, 0.6, 1.0)
    >>> walk = Path.from_triples([0.0, 0.0, 0.5, 10.0, 1.0, 0.5])
    >>> [(round(stay.from_s, 6), round(stay.until_s, 6)) for stay in stays(walk, square)]
    [(4.0, 6.0)]
    """
    if not len(path.times):
        return []
    found = [*_at_points(path, polygon), *_along(path, polygon)]
    merged: list[Stay] = []
    for stay in sorted(found, key=lambda one: (one.from_s, one.until_s)):
        if merged and stay.from_s <= merged[-1].until_s + TOUCHING_S:
            last = merged[-1]
            merged[-1] = Stay(last.from_s, max(last.until_s, stay.until_s))
        else:
            merged.append(stay)
    return merged


def _at_points(path: Path, polygon: Polygon) -> list[Stay]:
    inside = shapely.intersects_xy(polygon, path.points[:, 0], path.points[:, 1])
    return [Stay(float(at), float(at)) for at in path.times[inside]]


def _along(path: Path, polygon: Polygon) -> list[Stay]:
    starts, ends = path.points[:-1], path.points[1:]
    found: list[Stay] = []
    still = np.all(starts == ends, axis=1)
    inside = shapely.intersects_xy(polygon, starts[:, 0], starts[:, 1])
    for index in np.flatnonzero(still & inside):
        found.append(Stay(float(path.times[index]), float(path.times[index + 1])))
    moving = np.flatnonzero(~still)
    pieces = shapely.intersection(
        shapely.linestrings(np.stack([starts[moving], ends[moving]], axis=1)), polygon
    )
    for index, piece in zip(moving, pieces, strict=True):
        step = ends[index] - starts[index]
        began_s, took_s = path.times[index], path.times[index + 1] - path.times[index]
        for part in shapely.get_parts(piece):
            shares = (shapely.get_coordinates(part) - starts[index]) @ step / (step @ step)
            if len(shares):
                first, last = np.clip([shares.min(), shares.max()], 0.0, 1.0)
                found.append(Stay(float(began_s + first * took_s), float(began_s + last * took_s)))
    return found


def crossings(path: Path, line: Sequence[tuple[float, float]]) -> list[Crossing]:
    """Return where a path crosses a finite polyline, in order.

    ``forward`` ends on the right-hand side, looking along the line from its first point on the
    screen. A step that cuts the line an even number of times crosses nothing; of an odd number the
    last cut counts. Points exactly on the line are passed over.

    >>> walk = Path.from_triples([0.0, 0.5, 0.0, 10.0, 0.5, 1.0])
    >>> crossings(walk, [(0.0, 0.5), (1.0, 0.5)])
    [Crossing(at_s=5.0, direction='forward')]
    """
    off = shapely.distance(shapely.points(path.points), shapely.linestrings(line)) > 0
    times, points = path.times[off], path.points[off]
    corners = np.asarray(line, dtype=np.float64)
    found: list[Crossing] = []
    for index in range(len(times) - 1):
        cuts = _cuts(points[index], points[index + 1], corners)
        if len(cuts) % 2:
            share, forward = cuts[-1]
            at_s = times[index] + share * (times[index + 1] - times[index])
            found.append(Crossing(float(at_s), "forward" if forward else "backward"))
    return found


def _cuts(start: Numbers, end: Numbers, corners: Numbers) -> list[tuple[float, bool]]:
    """Return the share of a step at each cut of the polyline, and whether it goes forward."""
    first, second = corners[:-1], corners[1:]
    along = second - first
    side_of_start = _cross(along, start - first)
    side_of_end = _cross(along, end - first)
    # A corner that a step passes belongs to one of its two stretches, the same there and back: so the
    # step is always looked at from the same of its ends, to the last bit.
    near, far = (start, end) if tuple(start) < tuple(end) else (end, start)
    beyond = _cross((far - near)[None, :], corners - near) >= 0
    meets = beyond[:-1] != beyond[1:]
    cut = meets & (side_of_start * side_of_end < 0)
    shares = side_of_start[cut] / (side_of_start[cut] - side_of_end[cut])
    forward = side_of_end[cut] > 0
    order = np.argsort(shares, kind="stable")
    return [(float(shares[index]), bool(forward[index])) for index in order]


def _cross(one: Numbers, other: Numbers) -> Numbers:
    found: Numbers = one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]
    return found
