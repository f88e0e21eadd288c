"""A car seen from the side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from producers.scene.place import Point
from producers.scene.shapes import Colour, Shape, capsule, shaded

LENGTH = 132.0
"""Pixels: 4.3 m where the road lies."""
WHEEL_RADIUS = 0.073 * LENGTH

_SIDE = ((0.0, 0.62), (0.01, 0.38), (0.16, 0.30), (0.84, 0.24), (0.985, 0.36), (1.0, 0.62))
_SILL = ((0.02, 0.58), (0.98, 0.58), (0.97, 0.78), (0.03, 0.78))
_CABIN = ((0.17, 0.32), (0.27, 0.03), (0.36, 0.0), (0.60, 0.0), (0.68, 0.04), (0.83, 0.28))
_REAR_WINDOW = ((0.23, 0.27), (0.295, 0.08), (0.445, 0.065), (0.445, 0.26))
_FRONT_WINDOW = ((0.475, 0.26), (0.475, 0.065), (0.59, 0.065), (0.655, 0.095), (0.745, 0.25))
_TAIL_LIGHT = ((0.005, 0.40), (0.035, 0.39), (0.035, 0.47), (0.005, 0.48))
_HEAD_LIGHT = ((0.955, 0.38), (0.985, 0.41), (0.99, 0.47), (0.95, 0.45))
"""Outlines in car lengths and car heights, tail at 0; y runs downwards from the roof."""
_HEIGHT = 0.335
"""Of the length."""
_WHEELS = (0.19, 0.80)
"""Their middles, in car lengths."""
_GLASS: Colour = (74, 62, 52)
_TYRE: Colour = (24, 24, 26)


@dataclass(frozen=True, slots=True)
class CarPose:
    """Where a car is in one frame."""

    ground: Point
    """The road below its middle, pixels."""
    facing: int
    """1 to the right, -1 to the left."""
    phase: float
    """Turn of the wheels, radians."""


def car(colour: Colour, pose: CarPose) -> tuple[Shape, ...]:
    """Return the shapes of a car, hindmost first."""
    parts: list[Shape] = [
        _part(_SILL, shaded(colour, 0.7), pose),
        _part(_CABIN, colour, pose),
        _part(_SIDE, colour, pose),
        _part(_REAR_WINDOW, _GLASS, pose),
        _part(_FRONT_WINDOW, _GLASS, pose),
        _part(_TAIL_LIGHT, (40, 40, 190), pose),
        _part(_HEAD_LIGHT, (210, 240, 245), pose),
    ]
    for wheel in _WHEELS:
        parts += _wheel(wheel, pose)
    return tuple(parts)


def _part(outline: tuple[Point, ...], colour: Colour, pose: CarPose) -> Shape:
    return Shape(np.array([_at(point, pose) for point in outline]), colour)


def _at(point: Point, pose: CarPose) -> Point:
    x, y = pose.ground
    return (
        x + pose.facing * (point[0] - 0.5) * LENGTH,
        y - (1.0 - point[1]) * _HEIGHT * LENGTH,
    )


def _wheel(place: float, pose: CarPose) -> list[Shape]:
    radius = WHEEL_RADIUS
    x, _ = _at((place, 0.0), pose)
    y = pose.ground[1] - radius
    disc = [
        Shape(capsule((x, y), (x, y), size * radius, size * radius).points, colour)
        for size, colour in ((1.0, _TYRE), (0.62, (150, 150, 152)))
    ]
    spokes = []
    for turn in (0.0, 1.2566, 2.5133):
        angle = pose.phase + turn
        reach = 0.52 * radius
        across = (float(np.cos(angle)) * reach, float(np.sin(angle)) * reach)
        spoke = capsule((x - across[0], y - across[1]), (x + across[0], y + across[1]), 0.9, 0.9)
        spokes.append(Shape(spoke.points, (92, 92, 96)))
    return disc + spokes
