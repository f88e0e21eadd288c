"""The features of a track so far: what reports, filters and summaries are made of."""

# ruff: noqa: PLR1730
# Called for every object and frame: a comparison costs a third of a call of min or max.

from __future__ import annotations

import json
import math

import msgspec

from schemas.records import FrameReference, TrackReport
from streams.core.geometry import Box, anchor_of
from streams.core.tracking import attributes
from streams.core.tracking.attributes import Told
from streams.core.tracking.detections import GENERIC
from streams.core.tracking.path import Place, shorten
from streams.core.tracking.sighting import Sighting

MAX_CLASSES = 16
MAX_PATH = 96
"""Points kept of a path while its track lives: state is stored often, and so kept small."""
SMOOTHING_MS = 1000
ORIGIN_MS = 500
_BORDER = 0.01
"""A box that comes so near the picture's border may show a part of its object only."""


class Evidence(msgspec.Struct):
    """Sums over a track's sightings; lengths in frame heights."""

    started_at: int
    seen_at: int
    origin_x: float
    """Where the track began: the smoothed centre after ``ORIGIN_MS``, in frame heights."""
    origin_y: float
    smooth_x: float
    """Centre of the boxes, smoothed exponentially over ``SMOOTHING_MS``, in frame heights."""
    smooth_y: float
    x: float
    """Centre of the last box, in frame heights."""
    y: float
    best: FrameReference
    best_inside: bool
    observations: int = 0
    score_sum: float = 0.0
    score_max: float = 0.0
    height_sum: float = 0.0
    farthest: float = 0.0
    """Largest distance of the smoothed centre from where the track began."""
    travelled: float = 0.0
    """Length of the way of the box centre."""
    way: float = 0.0
    """Length of the way of the smoothed centre."""
    height: float = 0.0
    """Of the last box."""
    jumps: float = 0.0
    """Sum of |ln| of the ratios of heights from one sighting to the next."""
    width_sum: float = 0.0
    company: int = 0
    """How many tracks began elsewhere in the picture at about the same time."""
    class_scores: dict[str, float] = {}
    class_models: dict[str, str] = {}
    """Which model first called it so."""
    told: dict[str, Told] = {}
    """What models of the second stage said of it."""
    path: list[Place] = []
    """The bottom anchor over time; simplified whenever it grows past ``MAX_PATH`` points."""
    zones: list[str] = []
    """Zone sensors entered, in order, each once."""
    fired: bool = False

    @property
    def class_name(self) -> str:
        """The class with the highest sum of scores so far; the first seen among equals.

        That there is something, as a model without classes says, gives way to any name.
        """
        scores = self.class_scores
        if len(scores) == 1:
            return next(iter(scores))
        if GENERIC in scores and len(scores) > 1:
            scores = {name: score for name, score in scores.items() if name != GENERIC}
        return max(scores, key=scores.__getitem__)

    @property
    def model(self) -> str:
        """The model that gave the class its name first; empty where models go without names."""
        return self.class_models.get(self.class_name, "")

    @property
    def score(self) -> float:
        """Mean score so far."""
        return self.score_sum / self.observations


def begin(sighting: Sighting) -> Evidence:
    """Return the evidence of a track whose first sighting is about to be added."""
    x, y = _centre(sighting)
    return Evidence(
        started_at=sighting.at,
        seen_at=sighting.at,
        origin_x=x,
        origin_y=y,
        smooth_x=x,
        smooth_y=y,
        x=x,
        y=y,
        best=sighting.reference,
        best_inside=_shown(sighting.box),
        class_scores={},
        class_models={},
        told={},
        path=[],
        zones=[],
    )


def add(evidence: Evidence, sighting: Sighting) -> None:
    """Take in one sighting, in place."""
    x1, y1, x2, y2 = box = sighting.box
    at, score, aspect = sighting.at, sighting.score, sighting.aspect
    x, y, height = (x1 + x2) / 2 * aspect, (y1 + y2) / 2, y2 - y1
    evidence.travelled += math.hypot(x - evidence.x, y - evidence.y)
    _follow(evidence, x, y, at)
    evidence.x, evidence.y = x, y
    evidence.seen_at = at
    evidence.observations += 1
    evidence.score_sum += score
    if score > evidence.score_max:
        evidence.score_max = score
    before = evidence.height
    if before:
        evidence.jumps += abs(math.log(height / before))
    evidence.height = height
    evidence.height_sum += height
    evidence.width_sum += (x2 - x1) * aspect
    classes, label = evidence.class_scores, sighting.label
    if label in classes:
        classes[label] += score
    elif len(classes) < MAX_CLASSES:
        classes[label] = score
        evidence.class_models[label] = sighting.model
    if sighting.attributes:
        attributes.add(evidence.told, sighting.attributes)
    best = evidence.best
    if score > best.score or not evidence.best_inside:
        inside = _shown(box)
        if (inside, score) > (evidence.best_inside, best.score):
            evidence.best, evidence.best_inside = sighting.reference, inside
    path = evidence.path
    path.append((at, *anchor_of(box, "bottom")))
    if len(path) > MAX_PATH:
        # To half, so that the work is not done at every further point.
        evidence.path = shorten(path, MAX_PATH // 2)


def _follow(evidence: Evidence, x: float, y: float, at: int) -> None:
    """Smooth the centre, so that a box that flickers around one place goes nowhere."""
    weight = 1 - math.exp((evidence.seen_at - at) / SMOOTHING_MS)
    smooth_x, smooth_y = evidence.smooth_x, evidence.smooth_y
    step_x, step_y = weight * (x - smooth_x), weight * (y - smooth_y)
    evidence.smooth_x = smooth_x = smooth_x + step_x
    evidence.smooth_y = smooth_y = smooth_y + step_y
    evidence.way += math.hypot(step_x, step_y)
    if at - evidence.started_at <= ORIGIN_MS:
        evidence.origin_x, evidence.origin_y = smooth_x, smooth_y
    away = math.hypot(smooth_x - evidence.origin_x, smooth_y - evidence.origin_y)
    if away > evidence.farthest:
        evidence.farthest = away


def report(track_id: str, evidence: Evidence, frames: int) -> TrackReport:
    """Return the features at the last sighting; ``frames`` analysed since the track began.

    ``details`` holds ``score_max``, ``travelled`` (length of the centre's way in mean box
    heights), ``seen`` (part of the analysed frames in which the object was detected, 0..1),
    ``aspect`` (mean width by mean height), ``jump`` (mean |ln| of the ratio of heights from one
    sighting to the next) and ``company`` (tracks that began elsewhere at about the same time);
    where models of the second stage looked, ``attributes``: {model: {label: mean score}}.
    """
    height = evidence.height_sum / evidence.observations
    told = ""
    if evidence.told:
        summary = json.dumps(attributes.summary(evidence.told), sort_keys=True)
        told = f'"attributes": {summary}, '
    # As json.dumps writes it, in a third of the time: reports are made for most tracks and seconds.
    details = (
        f'{{"aspect": {evidence.width_sum / evidence.height_sum!r}, {told}'
        f'"company": {evidence.company}, '
        f'"jump": {evidence.jumps / max(1, evidence.observations - 1)!r}, '
        f'"score_max": {evidence.score_max!r}, "seen": {evidence.observations / frames!r}, '
        f'"travelled": {evidence.travelled / height!r}, "way": {evidence.way / height!r}}}'
    )
    return TrackReport(
        track=track_id,
        at=evidence.seen_at,
        class_name=evidence.class_name,
        score=evidence.score,
        observations=evidence.observations,
        age_ms=evidence.seen_at - evidence.started_at,
        displacement=evidence.farthest / height,
        box_height=height,
        best=evidence.best,
        details=details,
    )


def _centre(sighting: Sighting) -> tuple[float, float]:
    """Return the box's centre in frame heights."""
    box = sighting.box
    return (box[0] + box[2]) / 2 * sighting.aspect, (box[1] + box[3]) / 2


def _shown(box: Box) -> bool:
    return min(box[0], box[1]) > _BORDER and max(box[2], box[3]) < 1 - _BORDER
