"""What a fixed camera learns of its scene: how tall things are where, how sure its detector is,
and where objects begin and come back.

It doubts what does not fit, and so costs a false track, not a true one: who is seen steadily is
believed in the end, whatever the scene says (``Tuning.plain_ms``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import msgspec

from streams.core.geometry import Box
from streams.core.tracking.motion import CUT

MAX_CLASSES = 16
COLUMNS, ROWS = 16, 12
"""Cells of the picture in which beginnings and returns are counted."""
_MEMORY = 0.9995
"""Of what a sighting taught, so much is left after the next one: half of it after 1,400."""
_MOST = 64.0
"""A cell's counts are halved above it, so that what is new there counts too."""
_FLAT = 0.0005
"""Pulls the slope to 0 while all bottoms are about as low: their variance counts against this."""


@dataclass(frozen=True, slots=True)
class Doubts:
    """How much less a sighting is worth for not fitting; chosen by measurement, as the tracker's."""

    after: float = 10.0
    """Sightings from which a class is known."""
    least: float = 0.55
    """What a sighting is worth at least in each respect, of 1."""
    score_free: float = 0.03
    """A score lower than the mean by this part of it is usual."""
    score_slope: float = 3.0
    size_free: float = 0.2
    """So is a height that differs by this, as the logarithm of the ratio."""
    size_slope: float = 1.5


class Appearance(msgspec.Struct):
    """Of one class: weighted sums of box heights over bottoms (weight 1/height²), mean score.

    Objects on the ground, seen by a camera that stands still, have a height on the picture that is
    linear in where their feet are (Hoiem et al., Putting Objects in Perspective, 2006, section 3).
    """

    seen: float = 0.0
    score: float = 0.0
    weight: float = 0.0
    bottom: float = 0.0
    bottom2: float = 0.0
    height: float = 0.0
    product: float = 0.0


class Scene(msgspec.Struct):
    """State of one camera's scene; begins anew with each epoch, as the camera may have moved."""

    epoch_at: int | None = None
    classes: dict[str, Appearance] = {}
    begun: dict[int, float] = {}
    """Tracks that began in each cell: entrances."""
    resumed: dict[int, float] = {}
    """Tracks that came back in each cell: the edges of what hides."""


def learn(scene: Scene, label: str, box: Box, score: float) -> None:
    """Take in a sighting of a confirmed track, in place."""
    known = scene.classes.get(label)
    if known is None:
        if len(scene.classes) >= MAX_CLASSES:
            return
        known = scene.classes[label] = Appearance()
    known.seen = known.seen * _MEMORY + 1
    known.score += (score - known.score) / known.seen
    if _is_cut(box):
        return
    bottom, height = box[3], box[3] - box[1]
    weight = 1 / (height * height)
    known.weight = known.weight * _MEMORY + weight
    known.bottom = known.bottom * _MEMORY + weight * bottom
    known.bottom2 = known.bottom2 * _MEMORY + weight * bottom * bottom
    known.height = known.height * _MEMORY + 1 / height
    known.product = known.product * _MEMORY + bottom / height


def height_at(known: Appearance, bottom: float) -> float:
    """Return how tall an object is whose feet are at ``bottom``: weighted least squares."""
    mean_bottom, mean = known.bottom / known.weight, known.height / known.weight
    variance = max(known.bottom2 / known.weight - mean_bottom * mean_bottom, 0.0)
    covariance = known.product / known.weight - mean_bottom * mean
    expected = mean + covariance / (variance + _FLAT) * (bottom - mean_bottom)
    return max(expected, 0.1 * mean)


def worth(scene: Scene, label: str, box: Box, score: float, doubts: Doubts) -> float:
    """Return how far a sighting counts for the birth of a track, above 0, at most 1."""
    known = scene.classes.get(label)
    if known is None or known.seen < doubts.after:
        return 1.0
    value = 1.0
    if known.score > 0:
        short = 1 - score / known.score - doubts.score_free
        if short > 0:
            value = max(doubts.least, 1 - doubts.score_slope * short)
    if known.weight > 0 and not _is_cut(box):
        ratio = (box[3] - box[1]) / height_at(known, box[3])
        odd = abs(math.log(ratio)) - doubts.size_free
        if odd > 0:
            value *= max(doubts.least, 1 - doubts.size_slope * odd)
    return value


def begins(scene: Scene, box: Box) -> None:
    """Count the beginning of a track."""
    _count(scene, scene.begun, _cell(box))


def resumes(scene: Scene, box: Box) -> None:
    """Count the return of a track that had been out of sight."""
    _count(scene, scene.resumed, _cell(box))


def newness(scene: Scene, box: Box, border: float, prior: float) -> float:
    """Return which part of what appears here is new to the picture rather than back, 0..1.

    Before anything is known, as good as ``prior`` observations say that all is new that is nearer
    than ``border`` to the left, right or lower border, and nothing elsewhere.
    """
    cell = _cell(box)
    begun, resumed = scene.begun.get(cell, 0.0), scene.resumed.get(cell, 0.0)
    if box[0] < border or box[2] > 1 - border or box[3] > 1 - border:
        begun += prior
        return begun / (begun + resumed)
    return begun / (begun + resumed + prior)


def _count(scene: Scene, counts: dict[int, float], cell: int) -> None:
    counts[cell] = counts.get(cell, 0.0) + 1.0
    if counts[cell] > _MOST:
        for each in (scene.begun, scene.resumed):
            if cell in each:
                each[cell] /= 2


def _is_cut(box: Box) -> bool:
    return box[0] < CUT or box[1] < CUT or box[2] > 1 - CUT or box[3] > 1 - CUT


def _cell(box: Box) -> int:
    """Return the cell of the bottom's middle."""
    x = min(max((box[0] + box[2]) / 2, 0.0), 1.0)
    y = min(max(box[3], 0.0), 1.0)
    return min(int(y * ROWS), ROWS - 1) * COLUMNS + min(int(x * COLUMNS), COLUMNS - 1)
