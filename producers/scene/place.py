"""The drawn place: size of the picture, perspective, and where its sensors lie."""

from __future__ import annotations

FPS = 10
"""Frames a second."""
WIDTH, HEIGHT = 640, 360
"""Pixels."""
SITE = "demo"
CAMERA = "walkers"
LINE_SENSOR = "path-line"
ZONE_SENSOR = "lawn"

Point = tuple[float, float]
"""x, y: pixels in the drawing, parts of the picture where it says normalised."""

WALL_BOTTOM = 84
ROAD_BOTTOM = 138
PATH_TOP = 202
PATH_BOTTOM = 270
"""Rows where one ground ends and the next begins."""

LINE: tuple[Point, Point] = ((0.41, 0.76), (0.43, 0.55))
"""Across the path, from its near edge to its far one, normalised: who goes right goes forward."""
ZONE: tuple[Point, ...] = ((0.525, 0.8), (0.865, 0.8), (0.885, 0.97), (0.505, 0.97))
"""The part of the near lawn that nobody may step on, normalised."""

_HORIZON_ROW = -100.0
_HEIGHT_PER_ROW = 0.235


def person_height(foot_row: float) -> float:
    """Return how tall a person of middle height is drawn, in pixels, with the feet in a row.

    Size grows linearly below the horizon, as on flat ground before a pinhole camera.

    >>> person_height(240), person_height(320)
    (79.9, 98.7)
    """
    return round(_HEIGHT_PER_ROW * (foot_row - _HORIZON_ROW), 6)


def pixels(point: Point) -> Point:
    """Return a normalised point in pixels.

    >>> pixels((0.5, 0.25))
    (320.0, 90.0)
    """
    return point[0] * WIDTH, point[1] * HEIGHT
