"""Grounds and walls as grey-level patterns around 1, to be multiplied with a colour."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
"""[rows, columns], or [rows, columns, 3] with blue first."""


def coloured(pattern: Floats, colour: tuple[int, int, int]) -> Floats:
    """Return a pattern [rows, columns] in a colour [rows, columns, 3]."""
    return pattern[:, :, None] * np.array(colour, np.float32)


def cloudy(random: np.random.Generator, rows: int, columns: int, grain: int) -> Floats:
    """Return smooth noise of mean 0 and deviation near 1, its spots about ``grain`` pixels."""
    coarse = random.standard_normal((rows // grain + 3, columns // grain + 3)).astype(np.float32)
    size = (coarse.shape[1] * grain, coarse.shape[0] * grain)
    smooth = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
    return np.asarray(smooth[grain : grain + rows, grain : grain + columns], np.float32)


def grass(random: np.random.Generator, rows: int, columns: int) -> Floats:
    """Return a mown lawn: blades, tufts and the mower's stripes."""
    blades = random.standard_normal((rows, columns)).astype(np.float32)
    blades = np.asarray(cv2.GaussianBlur(blades, (3, 7), 0), np.float32) * 2.4
    x = np.arange(columns, dtype=np.float32)[None, :]
    y = np.arange(rows, dtype=np.float32)[:, None]
    stripes = np.tanh(4 * np.sin((x + 0.9 * y) / 15.0))
    tufts = cloudy(random, rows, columns, 9) + cloudy(random, rows, columns, 31)
    return np.asarray(1 + 0.055 * blades + 0.035 * tufts + 0.022 * stripes, np.float32)


def asphalt(random: np.random.Generator, rows: int, columns: int) -> Floats:
    """Return a road: fine grain and old repairs."""
    grain = random.standard_normal((rows, columns)).astype(np.float32)
    return np.asarray(1 + 0.045 * grain + 0.03 * cloudy(random, rows, columns, 24), np.float32)


def slabs(random: np.random.Generator, rows: int, columns: int) -> Floats:
    """Return paving, its rows of slabs growing towards the viewer."""
    pattern = 1 + 0.022 * random.standard_normal((rows, columns)).astype(np.float32)
    pattern += 0.02 * cloudy(random, rows, columns, 40)
    top, course, depth = 0, 0, 9.0
    while top < rows:
        bottom = min(rows, top + round(depth))
        width = round(3.1 * depth)
        for left in range(-(course % 2) * (width // 2), columns, width):
            tile = pattern[top:bottom, max(0, left) : left + width]
            tile *= 1 + 0.045 * random.standard_normal()
            tile[:, :1] *= 0.86
        pattern[top : top + 1] *= 0.86
        top, course, depth = bottom, course + 1, depth * 1.09
    return np.asarray(pattern, np.float32)


def bricks(random: np.random.Generator, rows: int, columns: int) -> Floats:
    """Return a brick wall in running bond."""
    pattern = np.ones((rows, columns), np.float32)
    pattern += 0.03 * cloudy(random, rows, columns, 28)
    height, width = 6, 17
    for course, top in enumerate(range(0, rows, height)):
        for left in range(-(course % 2) * (width // 2), columns, width):
            brick = pattern[top : top + height, max(0, left) : left + width]
            brick *= 1 + 0.085 * random.standard_normal()
            brick[:, :1] *= 1.24
        pattern[top : top + 1] *= 1.24
    pattern += 0.025 * random.standard_normal((rows, columns)).astype(np.float32)
    return pattern
