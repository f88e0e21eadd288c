"""The background of a scene: the median of earlier thumbnails, brought to one light."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from triton_models.kit.thumbnails import unpack

Floats = npt.NDArray[np.float32]

MIN_THUMBNAILS = 2
"""With one alone, what moved away cannot be told from what came."""

_SAMPLE_STEP = 3
_FIT_ROUNDS = 4
_OUTLIER_SIGMAS = 2.5
_MAD_TO_SIGMA = 1.4826
_GAIN_RANGE = (0.4, 2.5)


@dataclass(frozen=True)
class Background:
    """What a scene looks like without what moves in it; both arrays [rows, columns], grey 0..255."""

    low: Floats
    """The median of the thumbnails; of an even number the lower of the two in the middle."""
    high: Floats
    """The same, or the upper of the two: what lies between is background."""
    spread: Floats
    """Median absolute deviation from it: large where leaves or screens flicker."""


@lru_cache(maxsize=64)
def background_of(block: bytes) -> Background | None:
    """Return the background of a block of thumbnails, or None while there are too few.

    A pure function of the bytes; the cache only saves repeating it for frames of one moment.

    Raises:
        BadThumbnails: the block is damaged.
    """
    thumbnails = unpack(block)
    if len(thumbnails) < MIN_THUMBNAILS:
        return None
    *older, newest = (thumbnail.astype(np.float32) for thumbnail in thumbnails)
    stack = np.stack([*(lit(one, light_between(newest, one)) for one in older), newest])
    low, high = _middle(stack)
    deviations = np.abs(stack - (low + high) / np.float32(2))
    return Background(low=low, high=high, spread=_middle(deviations)[0])


def light_between(reference: Floats, picture: Floats) -> tuple[float, float]:
    """Return the gain and offset that bring ``picture`` closest to ``reference``.

    Least squares over a grid of pixels, repeated without those further off than 2.5 standard
    deviations (estimated from the median absolute residual), so that what moved does not count.
    """
    x = picture[::_SAMPLE_STEP, ::_SAMPLE_STEP].ravel().astype(np.float64)
    y = reference[::_SAMPLE_STEP, ::_SAMPLE_STEP].ravel().astype(np.float64)
    gain, offset = 1.0, float(np.median(y) - np.median(x))
    for _ in range(_FIT_ROUNDS):
        residual = np.abs(y - gain * x - offset)
        sigma = max(1.0, _MAD_TO_SIGMA * float(np.median(residual)))
        inside = residual <= _OUTLIER_SIGMAS * sigma
        gain, offset = _line(x[inside], y[inside])
    return gain, offset


def lit(picture: Floats, light: tuple[float, float]) -> Floats:
    """Return the picture with this gain and offset."""
    gain, offset = light
    return np.asarray(np.float32(gain) * picture + np.float32(offset), np.float32)


def _line(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> tuple[float, float]:
    mean_x, mean_y = float(x.mean()), float(y.mean())
    variance = float(((x - mean_x) ** 2).mean())
    # A picture without texture says nothing of gain.
    gain = 1.0 if variance < 1.0 else float(((x - mean_x) * (y - mean_y)).mean()) / variance
    gain = min(max(gain, _GAIN_RANGE[0]), _GAIN_RANGE[1])
    return gain, mean_y - gain * mean_x


def _middle(stack: Floats) -> tuple[Floats, Floats]:
    """Return the lower and upper median over the first axis, by a sorting network of pictures."""
    planes: list[Any] = list(stack)
    for end in range(len(planes) - 1, 0, -1):
        for at in range(end):
            pair = planes[at], planes[at + 1]
            planes[at], planes[at + 1] = cv2.min(*pair), cv2.max(*pair)
    half = len(planes) // 2
    return planes[(len(planes) - 1) // 2], planes[half]
