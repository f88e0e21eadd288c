"""What a picture looks like, in a few numbers: what a sensor of tampering compares.

Pure: the same pictures give the same numbers, live and in replay. A picture 640 pixels wide takes
about 0.8 ms of one core.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from producers.privacy import Image
from schemas.records import View

COLUMNS, ROWS = 16, 9
"""Cells of the structure signature."""
_WIDTH = 160
_DIRECTIONS = 16
_FAINT = 0.5
"""Grey levels a pixel of the thumbnail: gradients below it are noise and compression."""
_SAME = (4, 0.005)
_NEAR = (32, 1.0)
"""Grey levels, the largest and the mean difference, of two pictures that are the same, or near each
other. An encoder that repeats one picture changes it by as little from frame to frame, and by more
with each key frame; the noise of six recordings made 0.006 to 0.7 in the mean, every time."""
_SETTLING_MS = 500
"""So long, or one picture, a key frame may disturb a repeated one. Two neighbours are the same now
and then in recordings, too, but never for a second on end."""


@dataclass(frozen=True, slots=True, eq=False)
class LookState:
    """What a repeated picture is compared with; one state for each epoch."""

    first: Image | None = None
    """The picture since which all have been near it."""
    first_ms: int = 0
    last: Image | None = None
    repeated_ms: int = 0
    """When one was last the same as that before it."""
    others: int = 0
    """Pictures since then."""


def step(
    state: LookState, image: Image, at_ms: int, *, drawn: bool = False
) -> tuple[LookState, View]:
    """Describe the next sampled picture; ``at_ms`` is on any scale that rises.

    ``drawn``: it comes from no camera, so that pictures without a difference say nothing.
    """
    state = LookState() if drawn else _after(state, image, at_ms)
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
    mean, deviation = cv2.meanStdDev(grey)
    return state, View(
        brightness=float(mean[0, 0]) / 255,
        contrast=float(deviation[0, 0]) / 255,
        sharpness=sharpness_of(grey),
        structure=structure_of(grey),
        unchanged_ms=0 if drawn or state.others else at_ms - state.first_ms,
    )


def _after(state: LookState, image: Image, at_ms: int) -> LookState:
    if state.first is None or state.last is None:
        return LookState(image, at_ms, image, at_ms)
    if not _differ_less(state.first, image, _NEAR):
        return LookState(image, at_ms, image, at_ms)
    if _differ_less(state.last, image, _SAME):
        return replace(state, last=image, repeated_ms=at_ms, others=0)
    if state.others and at_ms - state.repeated_ms >= _SETTLING_MS:
        return LookState(image, at_ms, image, at_ms)
    return replace(state, last=image, others=state.others + 1)


def _differ_less(before: Image, now: Image, limits: tuple[int, float]) -> bool:
    most, mean = limits
    if before.shape != now.shape or cv2.norm(before, now, cv2.NORM_INF) > most:
        return False
    return cv2.norm(before, now, cv2.NORM_L1) <= mean * now.size


def sharpness_of(grey: npt.NDArray[np.uint8]) -> float:
    """Return the standard deviation of the Laplacian, in grey levels: what blur takes away."""
    return float(cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))[1][0, 0])


def structure_of(grey: npt.NDArray[np.uint8]) -> bytes:
    """Return the direction and strength of the edges in each of 16 x 9 cells, row by row.

    The dominant gradient of a cell is that of its structure tensor (Bigün and Granlund 1987); the
    angle is doubled, so that dark on light and light on dark are one direction. High half of a
    byte: direction, 0..15 of a half turn. Low half: strength, 0 for none, then two steps for each
    doubling.
    """
    small = cv2.resize(grey, (_WIDTH, 90), interpolation=cv2.INTER_AREA)
    across = cv2.Sobel(small, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(small, cv2.CV_32F, 0, 1, scale=1 / 8)
    cells = (COLUMNS, ROWS)
    even = cv2.resize(across * across - down * down, cells, interpolation=cv2.INTER_AREA)
    odd = cv2.resize(2 * across * down, cells, interpolation=cv2.INTER_AREA)
    strength = np.sqrt(np.hypot(even, odd))
    turn = np.arctan2(odd, even) / (2 * np.pi)
    direction = np.round(turn * _DIRECTIONS).astype(np.int64) % _DIRECTIONS
    steps = 1 + np.floor(2 * np.log2(np.maximum(strength, _FAINT) / _FAINT)).astype(np.int64)
    level = np.where(strength < _FAINT, 0, np.minimum(steps, 15))
    return np.asarray(direction << 4 | level, np.uint8).tobytes()
