"""From what stands out to whole objects: connected parts, split between people, joined in one."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from triton_models.kit.background import Floats

Mask = npt.NDArray[np.bool_]
Box = tuple[int, int, int, int]
"""x1, y1, x2, y2 in pixels; the right and lower edges are exclusive."""

_STRONG = 1.8
_MIN_STRONG = 5
_MIN_SHARE = 0.0004
"""Smaller things than this part of the picture are noise."""
_UPRIGHT = np.ones((5, 1), np.uint8)
"""Heads, trunks and legs part at a belt or against a like background; neighbours stay apart."""
_VALLEY = 0.45
_JOIN_OVERLAP = 0.5
_JOIN_GAP = 0.15


@dataclass(frozen=True)
class Blob:
    """One object: its box, the pixels in it that stand out, and the mean by which they do."""

    box: Box
    area: int
    strength: float

    @property
    def fill(self) -> float:
        """Part of the box that stands out, 0..1."""
        x1, y1, x2, y2 = self.box
        return self.area / ((x2 - x1) * (y2 - y1))


def blobs_of(excess: Floats) -> list[Blob]:
    """Return the objects in a picture of what stands out [rows, columns], 1 = just so."""
    weak = (excess >= 1).astype(np.uint8)
    closed = cv2.morphologyEx(weak, cv2.MORPH_CLOSE, _UPRIGHT)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    parts: list[Blob] = []
    for label, (x, y, width, height, _) in enumerate(stats[1:].tolist(), start=1):
        if width * height < 4:
            continue
        window = np.s_[y : y + height, x : x + width]
        inside = (labels[window] == label) & (weak[window] > 0)
        for left, right in between_valleys(inside.sum(axis=0), height):
            part = _blob(excess[window][:, left:right], inside[:, left:right], x + left, y)
            if part is not None:
                parts.append(part)
    smallest = _MIN_SHARE * excess.size
    return [blob for blob in joined(parts) if blob.area >= smallest]


def between_valleys(columns: npt.NDArray[np.int_], height: int) -> list[tuple[int, int]]:
    """Cut a wide group of people where a column holds far less than the peaks on both sides.

    Args:
        columns: pixels that stand out in each column of a part.
        height: of the part, pixels.

    >>> between_valleys(np.array([9, 9, 9, 9, 1, 9, 9, 9, 9]), 10)
    [(0, 4), (4, 9)]
    >>> between_valleys(np.array([9, 9, 9, 9, 8, 9, 9, 9, 9]), 10)
    [(0, 9)]
    """
    width = len(columns)
    least = max(4, round(0.2 * height))
    if width < 2 * least:
        return [(0, width)]
    peaks_left = np.maximum.accumulate(columns)
    peaks_right = np.maximum.accumulate(columns[::-1])[::-1]
    depth = columns / np.maximum(np.minimum(peaks_left, peaks_right), 1)
    lowest = least + int(np.argmin(depth[least : width - least + 1]))
    lower_peak = min(int(peaks_left[lowest]), int(peaks_right[min(lowest, width - 1)]))
    if lowest >= width or depth[lowest] >= _VALLEY or lower_peak < 0.5 * height:
        return [(0, width)]
    before = between_valleys(columns[:lowest], height)
    after = between_valleys(columns[lowest:], height)
    return [*before, *((lowest + left, lowest + right) for left, right in after)]


def joined(parts: list[Blob]) -> list[Blob]:
    """Join parts that stand one above the other, until none do."""
    left = sorted(parts, key=lambda part: part.box)
    whole: list[Blob] = []
    while left:
        blob = left.pop()
        partner = next((other for other in left if _belong(blob.box, other.box)), None)
        if partner is None:
            whole.append(blob)
        else:
            left.remove(partner)
            left.append(_union(blob, partner))
    return whole


def _belong(one: Box, other: Box) -> bool:
    shared = min(one[2], other[2]) - max(one[0], other[0])
    narrower = min(one[2] - one[0], other[2] - other[0])
    gap = max(one[1], other[1]) - min(one[3], other[3])
    taller = max(one[3] - one[1], other[3] - other[1])
    return shared >= _JOIN_OVERLAP * narrower and gap <= max(2, _JOIN_GAP * taller)


def _union(one: Blob, other: Blob) -> Blob:
    a, b = one.box, other.box
    box = (min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3]))
    area = one.area + other.area
    strength = (one.strength * one.area + other.strength * other.area) / area
    return Blob(box, area, strength)


def _blob(excess: Floats, inside: Mask, x: int, y: int) -> Blob | None:
    if np.count_nonzero(inside & (excess >= _STRONG)) < _MIN_STRONG:
        return None
    rows = np.flatnonzero(inside.any(axis=1))
    columns = np.flatnonzero(inside.any(axis=0))
    box = (
        x + int(columns[0]),
        y + int(rows[0]),
        x + int(columns[-1]) + 1,
        y + int(rows[-1]) + 1,
    )
    return Blob(box, int(np.count_nonzero(inside)), float(excess[inside].mean(dtype=np.float64)))
