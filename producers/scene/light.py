"""The daylight over the scene: clouds that come and go, and now and then a sudden gap in them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from producers.scene.place import FPS
from producers.scene.programme import CYCLE_FRAMES, CYCLE_S

_CLOUD_STARTS_S = (14.0, 20.0)
_CLOUD_GROWS_S = 6.0
_CLOUD_STAYS_S = 5.0
_CLOUD_DIMS = (0.10, 0.20)
_GAP_STARTS_S = (38.0, 44.0)
_GAP_OPENS_S = 0.4
_GAP_CLOSES_S = 7.0
_GAP_BRIGHTENS = (0.08, 0.13)


def light(seed: int, index: int) -> float:
    """Return the factor of all colours in a frame: 1 as painted, at least 0.8, at most 1.13."""
    number, frame = divmod(index, CYCLE_FRAMES)
    times, factors = _course(seed, number)
    return float(np.interp(frame / FPS, times, factors))


@lru_cache(maxsize=16)
def _course(seed: int, number: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the corners of a cycle's light; it begins and ends at 1."""
    random = np.random.default_rng((seed, number, 2))
    cloud_s, gap_s = random.uniform(*_CLOUD_STARTS_S), random.uniform(*_GAP_STARTS_S)
    dim = 1.0 - random.uniform(*_CLOUD_DIMS)
    bright = 1.0 + random.uniform(*_GAP_BRIGHTENS)
    covered_s = cloud_s + _CLOUD_GROWS_S
    clearing_s = covered_s + _CLOUD_STAYS_S
    opened_s = gap_s + _GAP_OPENS_S
    times = (
        0.0,
        cloud_s,
        covered_s,
        clearing_s,
        clearing_s + _CLOUD_GROWS_S,
        gap_s,
        opened_s,
        opened_s + _GAP_CLOSES_S,
        float(CYCLE_S),
    )
    return times, (1.0, 1.0, dim, dim, 1.0, 1.0, bright, 1.0, 1.0)
