"""One frame of the scene: background, shadows, bodies, daylight, sensor noise."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from producers.scene.actors import actors
from producers.scene.background import background
from producers.scene.light import light
from producers.scene.place import HEIGHT, WIDTH, Point
from producers.scene.shapes import Picture, paint

_NOISE_DEVIATION = 1.8
"""Grey levels."""
_NOISE_MARGIN = 96
_SHADOW_DARKENS = 0.28
_SPREAD = 1.6
"""A shadow fades over this many of its radii."""


def draw(seed: int, index: int) -> Picture:
    """Return frame ``index`` (from 0) as blue, green, red: uint8 [360, 640, 3].

    A pure function of both numbers, so that pace, a restart or a loop changes no frame.
    """
    picture = background(seed).copy()
    present = actors(seed, index)
    for one in present:
        _cast(picture, one.ground, one.shadow)
    for one in present:
        paint(picture, one.shapes)
    lit = cv2.convertScaleAbs(picture, alpha=light(seed, index))
    brighter, darker = _noise(seed)
    top, left = _noise_offset(seed, index)
    window = np.s_[top : top + HEIGHT, left : left + WIDTH]
    cv2.add(lit, brighter[window], dst=lit)
    cv2.subtract(lit, darker[window], dst=lit)
    return np.asarray(lit, np.uint8)


@lru_cache(maxsize=4)
def _noise(seed: int) -> tuple[Picture, Picture]:
    """Return what a sensor adds and takes away, larger than a frame, to be shifted each frame."""
    random = np.random.default_rng((seed, 3))
    shape = (HEIGHT + _NOISE_MARGIN, WIDTH + _NOISE_MARGIN, 3)
    noise = np.rint(random.standard_normal(shape) * _NOISE_DEVIATION)
    return np.maximum(noise, 0).astype(np.uint8), np.maximum(-noise, 0).astype(np.uint8)


def _noise_offset(seed: int, index: int) -> tuple[int, int]:
    """Return row and column of the noise, by a multiplicative hash (Knuth, TAOCP 3, 6.4)."""
    mixed = ((index + 1) * 2654435761 + seed * 40503) & 0xFFFFFFFF
    return (mixed >> 8) % _NOISE_MARGIN, (mixed >> 20) % _NOISE_MARGIN


def _cast(picture: Picture, ground: Point, radii: Point) -> None:
    """Darken the ground under a body softly: the shadow of an overcast day."""
    half_width, half_height = radii[0] * _SPREAD, radii[1] * _SPREAD
    # It lies behind the soles rather than before them, so that it does not lengthen the body.
    x, y = ground[0], ground[1] - 0.6 * radii[1]
    left, right = max(0, int(x - half_width)), min(WIDTH, int(x + half_width) + 1)
    top, bottom = max(0, int(y - half_height)), min(HEIGHT, int(y + half_height) + 1)
    if left >= right or top >= bottom:
        return
    across = (np.arange(left, right, dtype=np.float32) + 0.5 - x) / half_width
    down = (np.arange(top, bottom, dtype=np.float32) + 0.5 - y) / half_height
    near = np.maximum(0, 1 - across[None, :] ** 2 - down[:, None] ** 2)
    under = picture[top:bottom, left:right]
    under[:] = np.rint(under * (1 - _SHADOW_DARKENS * near * near)[:, :, None]).astype(np.uint8)
