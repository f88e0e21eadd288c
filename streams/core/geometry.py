"""Points, boxes, lines and polygons on the picture.

Points are (x, y) and boxes (x1, y1, x2, y2), normalised 0..1 with the origin top left and y
downwards. ``aspect`` is the frame's width divided by its height: x times ``aspect`` and y are both
in frame heights, which is where distances mean something.
"""

# ruff: noqa: FURB136, PLR1730
# Called for every object and frame: a comparison costs a third of a call of min or max.

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Point = tuple[float, float]
Box = tuple[float, float, float, float]
Anchor = Literal["bottom", "centre"]

TOLERANCE = 1e-9
"""Nearer than this (of the picture) is on the line: rounding of decimal coordinates, no more."""


def anchor_of(box: Box, anchor: Anchor) -> Point:
    """Return the point that stands for an object, clamped to the picture.

    >>> anchor_of((0.2, 0.5, 0.4, 1.3), "bottom")
    (0.30000000000000004, 1.0)
    """
    x1, y1, x2, y2 = box
    x, y = (x1 + x2) / 2, y2 if anchor == "bottom" else (y1 + y2) / 2
    return (
        0.0 if x < 0.0 else 1.0 if x > 1.0 else x,
        0.0 if y < 0.0 else 1.0 if y > 1.0 else y,
    )


def visible_area(box: Box) -> float:
    """Return the part of the picture that the box covers, 0..1."""
    width = min(box[2], 1.0) - max(box[0], 0.0)
    height = min(box[3], 1.0) - max(box[1], 0.0)
    return width * height if width > 0 and height > 0 else 0.0


def iou(a: Box, b: Box) -> float:
    """Return intersection over union of two boxes of positive area, 0..1."""
    (ax1, ay1, ax2, ay2), (bx1, by1, bx2, by2) = a, b
    width = (ax2 if ax2 < bx2 else bx2) - (ax1 if ax1 > bx1 else bx1)
    height = (ay2 if ay2 < by2 else by2) - (ay1 if ay1 > by1 else by1)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / ((ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - shared)


def overlap(a: Box, b: Box) -> float:
    """Return how much of box ``a``, of positive area, lies in box ``b``, 0..1.

    >>> overlap((0.0, 0.0, 1.0, 1.0), (0.5, 0.5, 2.0, 2.0))
    0.25
    """
    (ax1, ay1, ax2, ay2), (bx1, by1, bx2, by2) = a, b
    width = (ax2 if ax2 < bx2 else bx2) - (ax1 if ax1 > bx1 else bx1)
    height = (ay2 if ay2 < by2 else by2) - (ay1 if ay1 > by1 else by1)
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / ((ax2 - ax1) * (ay2 - ay1))


def heading_deg(start: Point, end: Point, aspect: float) -> float:
    """Return the direction from ``start`` to ``end`` in degrees: 0 is up, clockwise, below 360."""
    return math.degrees(math.atan2((end[0] - start[0]) * aspect, start[1] - end[1])) % 360.0


def distance_to_polyline(points: Sequence[Point], point: Point, aspect: float) -> float:
    """Return the least distance of ``point`` to a finite polyline, in frame heights."""
    px, py = point[0] * aspect, point[1]
    least = math.inf
    for (ax, ay), (bx, by) in pairwise(points):
        ax, bx = ax * aspect, bx * aspect
        dx, dy = bx - ax, by - ay
        length2 = dx * dx + dy * dy
        along = ((px - ax) * dx + (py - ay) * dy) / length2 if length2 > 0 else 0.0
        along = 0.0 if along < 0.0 else 1.0 if along > 1.0 else along
        distance = math.hypot(px - ax - along * dx, py - ay - along * dy)
        if distance < least:
            least = distance
    return least


def in_polygon(points: Sequence[Point], point: Point) -> bool:
    """Tell whether ``point`` is inside a simple polygon (closed implicitly) or on its edge."""
    px, py = point
    inside = False
    ax, ay = points[-1]
    for bx, by in points:
        dx, dy = bx - ax, by - ay
        if (ay > py) != (by > py) and px < ax + dx * (py - ay) / dy:
            inside = not inside
        # Within the edge's own bounds, whichever way it runs.
        if (
            (ay - TOLERANCE <= py <= by + TOLERANCE or by - TOLERANCE <= py <= ay + TOLERANCE)
            and (ax - TOLERANCE <= px <= bx + TOLERANCE or bx - TOLERANCE <= px <= ax + TOLERANCE)
            and abs(dx * (py - ay) - dy * (px - ax)) <= TOLERANCE * math.hypot(dx, dy)
        ):
            return True
        ax, ay = bx, by
    return inside


def bounds_of(points: Sequence[Point]) -> Box:
    """Return the least box that holds a polygon and what counts as lying on its edge.

    >>> left, _, right, _ = bounds_of([(0.1, 0.2), (0.5, 0.2), (0.3, 0.9)])
    >>> left < 0.1 and right > 0.5
    True
    """
    xs, ys = [x for x, _ in points], [y for _, y in points]
    beyond = 2 * TOLERANCE
    return min(xs) - beyond, min(ys) - beyond, max(xs) + beyond, max(ys) + beyond


@dataclass(frozen=True, slots=True)
class Cut:
    """One place where a step crosses a polyline.

    ``forward``: the step ends on the right-hand side on the screen, looking along the polyline
    from its first point to its last.
    """

    along: float
    """Where on the step, 0 at its start, 1 at its end."""
    forward: bool


def cuts(points: Sequence[Point], start: Point, end: Point) -> list[Cut]:
    """Return where the step from ``start`` to ``end`` crosses a finite polyline, in step order.

    Neither ``start`` nor ``end`` may lie on the polyline. Walking along the polyline, each change
    of side relative to the step's line is a cut, if it happens between ``start`` and ``end``.
    A stretch of the polyline that lies on the step is a cut when the polyline comes from one side
    and leaves to the other, and none when it leaves to the side it came from; so passing through
    a corner counts once and touching one from one side does not count. Passing through an end of
    the polyline is a cut.
    """
    (px, py), (qx, qy) = start, end
    dx, dy = qx - px, qy - py
    length = math.hypot(dx, dy)
    if length <= TOLERANCE:
        return []
    sides: list[float] = []
    for x, y in points:
        offset = (dx * (y - py) - dy * (x - px)) / length
        sides.append(offset if abs(offset) > TOLERANCE else 0.0)
    ring = list(points)
    if ring[0] == ring[-1] and len(ring) > 2 and sides[0] == 0.0 and any(sides):
        first = next(index for index, side in enumerate(sides) if side)
        ring = [*ring[first:-1], *ring[: first + 1]]
        sides = [*sides[first:-1], *sides[: first + 1]]
    found: list[Cut] = []
    index, count = 0, len(ring)
    while index < count - 1 or (index == count - 1 and sides[index] == 0.0):
        if sides[index] == 0.0:
            last = index
            while last + 1 < count and sides[last + 1] == 0.0:
                last += 1
            before = sides[index - 1] if index > 0 else 0.0
            after = sides[last + 1] if last + 1 < count else 0.0
            x, y = ring[last]
            if (before or after) and before * after <= 0:
                _add(found, (x, y), start, (dx, dy), forward=before > 0 or after < 0)
            index = min(count, last + 1)
            continue
        if sides[index] * sides[index + 1] < 0:
            (ax, ay), (bx, by) = ring[index], ring[index + 1]
            part = sides[index] / (sides[index] - sides[index + 1])
            place = (ax + (bx - ax) * part, ay + (by - ay) * part)
            _add(found, place, start, (dx, dy), forward=sides[index] > 0)
        index += 1
    return sorted(found, key=lambda cut: cut.along)


def _add(found: list[Cut], place: Point, start: Point, step: Point, *, forward: bool) -> None:
    dx, dy = step
    along = ((place[0] - start[0]) * dx + (place[1] - start[1]) * dy) / (dx * dx + dy * dy)
    if 0.0 < along < 1.0:
        found.append(Cut(along, forward))
