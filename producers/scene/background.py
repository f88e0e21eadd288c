"""The empty scene: a wall along a road, a paved path between two lawns."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from producers.scene import textures
from producers.scene.furniture import furnish, leaves_on_ground
from producers.scene.place import (
    HEIGHT,
    LINE,
    PATH_BOTTOM,
    PATH_TOP,
    ROAD_BOTTOM,
    WALL_BOTTOM,
    WIDTH,
    ZONE,
    Point,
    pixels,
)
from producers.scene.shapes import Picture
from producers.scene.textures import Floats, coloured

_BRICK = (84, 100, 140)
_ASPHALT = (92, 90, 88)
_PAVING = (134, 142, 148)
_GRASS = (64, 132, 108)
"""Blue, green, red."""
_KERB_ROWS = 5
_SUBPIXEL_BITS = 4


@lru_cache(maxsize=4)
def background(seed: int) -> Picture:
    """Return the scene without anything that moves, uint8 [360, 640, 3]; read-only."""
    random = np.random.default_rng((seed, 0))
    ground = _grounds(random)
    _mark_sensors(ground)
    picture = _as_picture(ground)
    furnish(picture, random)
    leaves_on_ground(picture, random)
    picture = _as_picture(_lens(picture.astype(np.float32)))
    picture.flags.writeable = False
    return picture


def _grounds(random: np.random.Generator) -> Floats:
    """Return the grounds from the back to the front."""
    ground = coloured(textures.grass(random, HEIGHT, WIDTH), _GRASS)
    ground[:WALL_BOTTOM] = coloured(textures.bricks(random, WALL_BOTTOM, WIDTH), _BRICK)
    road = ROAD_BOTTOM - WALL_BOTTOM
    ground[WALL_BOTTOM:ROAD_BOTTOM] = coloured(textures.asphalt(random, road, WIDTH), _ASPHALT)
    path = PATH_BOTTOM - PATH_TOP
    ground[PATH_TOP:PATH_BOTTOM] = coloured(textures.slabs(random, path, WIDTH), _PAVING)
    # The pavement before the house, kerbs, and the borders of the path.
    ground[WALL_BOTTOM : WALL_BOTTOM + 8] *= 1.45
    for row, factor in ((WALL_BOTTOM + 8, 0.7), (ROAD_BOTTOM - 1, 0.62)):
        ground[row : row + 2] *= factor
    ground[ROAD_BOTTOM : ROAD_BOTTOM + _KERB_ROWS] = (150, 154, 156)
    ground[ROAD_BOTTOM + _KERB_ROWS - 1] *= 0.7
    ground[PATH_TOP - 2 : PATH_TOP] *= 0.72
    ground[PATH_BOTTOM : PATH_BOTTOM + 3] *= 0.66
    middle = (WALL_BOTTOM + ROAD_BOTTOM) // 2 - 2
    for left in range(14, WIDTH, 74):
        ground[middle : middle + 2, left : left + 36] *= 1.55
    return ground


def _mark_sensors(ground: Floats) -> None:
    """Mark the line as a row of pale setts and the zone as grass cut short."""
    inner = np.zeros(ground.shape[:2], np.float32)
    cv2.fillPoly(inner, [_fixed(ZONE)], (1.0,), cv2.LINE_8, _SUBPIXEL_BITS)
    rim = inner - cv2.erode(inner, np.ones((3, 3), np.uint8))
    ground *= (1 + 0.11 * inner + 0.3 * rim)[:, :, None]
    line = np.zeros(ground.shape[:2], np.float32)
    cv2.polylines(line, [_fixed(LINE)], False, (1.0,), 3, cv2.LINE_8, _SUBPIXEL_BITS)
    line[:PATH_TOP] = 0
    line[PATH_BOTTOM:] = 0
    ground *= (1 + 0.2 * line)[:, :, None]


def _fixed(points: tuple[Point, ...]) -> npt.NDArray[np.int32]:
    scaled = np.array([pixels(point) for point in points]) * (1 << _SUBPIXEL_BITS)
    return np.asarray(np.rint(scaled), np.int32)


def _lens(picture: Floats) -> Floats:
    """Soften a picture and darken its corners a little, as a small camera does."""
    soft = np.asarray(cv2.GaussianBlur(picture, (3, 3), 0.6), np.float32)
    x = np.linspace(-1, 1, WIDTH, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, HEIGHT, dtype=np.float32)[:, None]
    return np.asarray(soft * (1.04 - 0.09 * (x * x + y * y))[:, :, None], np.float32)


def _as_picture(values: Floats) -> Picture:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)
