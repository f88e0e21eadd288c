"""How tall things of a class are at each height of the picture: a line, fitted robustly.

On flat ground the height of what stands on it grows linearly with the place of its lower edge below
the horizon (Hoiem, Efros and Hebert, Putting Objects in Perspective, CVPR 2006, section 3). The line
is that of Theil and Sen, which bears a quarter of false samples.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import median
from typing import Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from schemas.records import TrackReport

ROWS = 18
ROW_LIMIT = 4
"""Samples of one row of the picture, the latest."""
CLASS_LIMIT = 8
LEAST_SAMPLES, LEAST_ROWS = 12, 3
REACH = 2
"""Rows beyond those in which something was seen of which the line still tells."""
WALKED = 1.0
"""Box heights: only what has moved so far is surely an object, and counts."""
LEAST_SCORE = 0.6
LEAST_SPREAD, MOST_SPREAD = 0.15, 0.6
"""Natural logarithm of heights: people differ by .1 among themselves, boxes add to it."""
_SHORTEST = 0.005


class Sizes(Struct):
    """Heights of one class, by row of the lower edge."""

    rows: dict[int, list[tuple[float, float]]] = {}
    """(lower edge, height), shares of the picture's height."""
    last: tuple[str, int] = ("", 0)
    """Track and best frame of the latest sample: the same is not taken twice."""


class Watched(Protocol):
    """What holds the sizes of a camera."""

    @property
    def sizes(self) -> Mapping[str, Sizes]:
        """By class."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The height at a place, share of the picture's, and the spread of its logarithm."""

    height: float
    spread: float


def note_size(sizes: dict[str, Sizes], report: TrackReport) -> None:
    """Take a walking track's best box as a sample, in place."""
    x1, y1, x2, y2 = report.best.box
    inside = min(x1, y1) > 0 and max(x2, y2) < 1
    if report.displacement < WALKED or report.score < LEAST_SCORE or not inside:
        return
    known = sizes.get(report.class_name)
    if known is None:
        if len(sizes) >= CLASS_LIMIT:
            return
        known = sizes[report.class_name] = Sizes()
    mark = (report.track, report.best.captured_at)
    if known.last == mark:
        return
    known.last = mark
    samples = known.rows.setdefault(int(y2 * ROWS), [])
    samples.append((y2, y2 - y1))
    del samples[:-ROW_LIMIT]


def expected_height(learned: Watched, class_name: str, foot: float) -> Expected | None:
    """Return how tall a thing of a class is with its lower edge at ``foot``; None: not known yet."""
    known = learned.sizes.get(class_name)
    if known is None or len(known.rows) < LEAST_ROWS:
        return None
    row = int(foot * ROWS)
    if not min(known.rows) - REACH <= row <= max(known.rows) + REACH:
        return None
    samples = [sample for _, found in sorted(known.rows.items()) for sample in found]
    if len(samples) < LEAST_SAMPLES:
        return None
    slope = _median_slope(samples)
    offset = median(height - slope * y for y, height in samples)
    misses = [abs(math.log(height / max(_SHORTEST, offset + slope * y))) for y, height in samples]
    # 1.4826 makes the median deviation of a normal distribution its standard deviation.
    spread = min(MOST_SPREAD, max(LEAST_SPREAD, 1.4826 * median(misses)))
    return Expected(max(_SHORTEST, offset + slope * foot), spread)


def _median_slope(samples: Sequence[tuple[float, float]]) -> float:
    """Return the median of the slopes between all two samples that are not at one height."""
    first, second = _pairs(len(samples))
    places, heights = np.array(samples).T
    apart = places[second] - places[first]
    taller = heights[second] - heights[first]
    slopes = np.sort(taller[apart != 0] / apart[apart != 0])
    middle = len(slopes) // 2
    if len(slopes) % 2:
        return float(slopes[middle])
    return float((slopes[middle - 1] + slopes[middle]) / 2)


@lru_cache(maxsize=ROWS * ROW_LIMIT)
def _pairs(count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return all pairs of so many things, by their indices."""
    return np.triu_indices(count, 1)
