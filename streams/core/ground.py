"""From the picture to the ground: a plane's homography from four known points.

Hartley and Zisserman, Multiple View Geometry, section 4.1 (four points, no three on one line).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from streams.core.geometry import Point

_HORIZON = 1e-6


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a point of the picture lies on the ground, in metres."""

    rows: tuple[tuple[float, float, float], ...]
    """Three rows of the homography, scaled so that what it was made from lies in front."""

    @classmethod
    def compile(cls, image: Sequence[Point], metres: Sequence[Point]) -> Ground:
        """Return the plane on which the four points of ``image`` lie at ``metres``."""
        left = np.zeros((8, 8))
        right = np.zeros(8)
        for index, ((x, y), (u, v)) in enumerate(zip(image, metres, strict=True)):
            left[2 * index] = (x, y, 1, 0, 0, 0, -u * x, -u * y)
            left[2 * index + 1] = (0, 0, 0, x, y, 1, -v * x, -v * y)
            right[2 * index : 2 * index + 2] = u, v
        matrix = np.append(np.linalg.solve(left, right), 1.0).reshape(3, 3)
        x, y = image[0]
        if matrix[2, 0] * x + matrix[2, 1] * y + 1 < 0:
            matrix = -matrix
        first, second, third = matrix.tolist()
        return cls((tuple(first), tuple(second), tuple(third)))

    def at(self, point: Point) -> Point | None:
        """Return the place in metres of a point on the picture, 0..1; None: above the horizon.

        >>> corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
        >>> plane = Ground.compile(corners, [(0, 0), (8, 0), (8, 4), (0, 4)])
        >>> x, y = plane.at((0.5, 0.5))
        >>> round(x, 6), round(y, 6)
        (4.0, 2.0)
        """
        x, y = point
        (a, b, c), (d, e, f), (g, h, i) = self.rows
        depth = g * x + h * y + i
        if depth < _HORIZON:
            return None
        return (a * x + b * y + c) / depth, (d * x + e * y + f) / depth
