"""Privacy polygons: blacked out before a picture is analysed, measured or written."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
"""BGR picture [rows, columns, 3]."""
Polygons = tuple[tuple[tuple[float, float], ...], ...]
"""Polygons of points (x, y), 0..1, origin top left."""

_SUBPIXEL_BITS = 8


def black_out(image: Image, polygons: Polygons) -> Image:
    """Return the picture with every pixel that a polygon touches black; the input stays as it is.

    Pixels that an edge merely grazes are covered too: rather one too many than one too few.
    """
    if not polygons:
        return image
    height, width = image.shape[:2]
    masked = image.copy()
    masked[_mask(polygons, width, height)] = 0
    return masked


@lru_cache(maxsize=64)
def _mask(polygons: Polygons, width: int, height: int) -> npt.NDArray[np.bool_]:
    mask = np.zeros((height, width), np.uint8)
    for polygon in polygons:
        corners = [_corners(polygon, width, height)]
        cv2.fillPoly(mask, corners, (255,), shift=_SUBPIXEL_BITS)
        # The outline, three pixels wide, takes in every pixel that the edge runs through.
        cv2.polylines(mask, corners, True, (255,), thickness=3, shift=_SUBPIXEL_BITS)
    return mask > 0


def _corners(polygon: Sequence[tuple[float, float]], width: int, height: int) -> Any:
    scale = 1 << _SUBPIXEL_BITS
    # A pixel's middle is at its whole number in OpenCV, at its number and a half in the picture.
    points = [((x * width - 0.5) * scale, (y * height - 0.5) * scale) for x, y in polygon]
    return np.round(np.array(points)).astype(np.int32)
