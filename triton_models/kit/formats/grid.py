"""The cells of a feature pyramid, in the order in which networks write them down."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from triton_models.kit.formats.format import Floats


@lru_cache(maxsize=16)
def grid(width: int, height: int, strides: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Return each cell's corner [cells, 2] in cells, and its stride [cells, 1] in pixels.

    Row by row, the finest level first; a level that does not divide the input is rounded up.

    >>> grid(64, 32, (32,))[0].tolist()
    [[0.0, 0.0], [1.0, 0.0]]
    """
    corners, steps = [], []
    for stride in strides:
        y, x = np.mgrid[: -(-height // stride), : -(-width // stride)]
        corners.append(np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32))
        steps.append(np.full((x.size, 1), stride, np.float32))
    return np.concatenate(corners), np.concatenate(steps)
