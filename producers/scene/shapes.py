"""What bodies are drawn of: filled convex shapes, and the box around them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from producers.scene.place import Point

Picture = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]
"""Blue, green, red, 0..255."""
PixelBox = tuple[float, float, float, float]
"""x1, y1, x2, y2 in pixels; may reach past the picture."""

_SUBPIXEL_BITS = 4
_ANGLES = np.linspace(0.5 * math.pi, 1.5 * math.pi, 8)
_BACK_HALF = np.column_stack((np.cos(_ANGLES), np.sin(_ANGLES)))
"""Half a unit circle [8, 2], at the start of a limb that points along x."""
_HIGHLIGHT = 1.22
_HIGHLIGHT_SIZE = 0.55


@dataclass(frozen=True, slots=True)
class Shape:
    """A convex polygon."""

    points: npt.NDArray[np.float64]
    """Pixels [n, 2]."""
    colour: Colour


def capsule(start: Point, end: Point, start_radius: float, end_radius: float) -> Shape:
    """Return a black limb with round ends, in pixels; start and end may be the same."""
    across, down = end[0] - start[0], end[1] - start[1]
    length = math.hypot(across, down)
    cos, sin = (across / length, down / length) if length else (1.0, 0.0)
    arc = _BACK_HALF @ np.array(((cos, sin), (-sin, cos)))
    points = np.concatenate((start_radius * arc + start, end - end_radius * arc))
    return Shape(points, (0, 0, 0))


def limb(
    start: Point, end: Point, start_radius: float, end_radius: float, colour: Colour
) -> tuple[Shape, Shape]:
    """Return a limb in a colour, and the light that falls on it from the upper left."""
    whole = capsule(start, end, start_radius, end_radius)
    shift = -0.3 * min(start_radius, end_radius)
    lit = capsule(
        (start[0] + shift, start[1] + shift),
        (end[0] + shift, end[1]),
        _HIGHLIGHT_SIZE * start_radius,
        _HIGHLIGHT_SIZE * end_radius,
    )
    return Shape(whole.points, colour), Shape(lit.points, shaded(colour, _HIGHLIGHT))


def shaded(colour: Colour, factor: float) -> Colour:
    """Return a colour in more light or less.

    >>> shaded((10, 100, 200), 1.5)
    (15, 150, 255)
    """
    blue, green, red = (min(255, round(part * factor)) for part in colour)
    return blue, green, red


def paint(picture: Picture, shapes: Iterable[Shape]) -> None:
    """Draw shapes into a picture, the first hindmost, to a sixteenth of a pixel."""
    for shape in shapes:
        # OpenCV counts from pixel centres, boxes from pixel edges.
        fixed = np.rint((shape.points - 0.5) * (1 << _SUBPIXEL_BITS)).astype(np.int32)
        cv2.fillConvexPoly(picture, fixed, shape.colour, cv2.LINE_AA, _SUBPIXEL_BITS)


def box_around(shapes: Iterable[Shape]) -> PixelBox:
    """Return the tightest box around shapes."""
    points = np.concatenate([shape.points for shape in shapes])
    (x1, y1), (x2, y2) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return x1, y1, x2, y2
