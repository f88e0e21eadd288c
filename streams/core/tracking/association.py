"""Which detection continues which track: what each pair costs, and the cheapest pairs together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from streams.core.geometry import iou, overlap
from streams.core.tracking import motion as motions
from streams.core.tracking.assignment import assign
from streams.core.tracking.detections import GENERIC, Detection
from streams.core.tracking.motion import Motion
from streams.core.tracking.scene import Scene, newness
from streams.core.tracking.track import Track
from streams.core.tracking.tuning import Tuning


@dataclass(frozen=True, slots=True)
class Offers:
    """A frame's detections, with what every comparison needs of them."""

    detections: Sequence[Detection]
    xs: list[float]
    """Centres, in frame heights."""
    ys: list[float]
    aspect: float

    @classmethod
    def of(cls, detections: Sequence[Detection], aspect: float) -> Offers:
        """Return the offers of a frame whose width divided by its height is ``aspect``."""
        boxes = [detection.box for detection in detections]
        return cls(
            detections,
            [(box[0] + box[2]) / 2 * aspect for box in boxes],
            [(box[1] + box[3]) / 2 for box in boxes],
            aspect,
        )


def match(
    tracks: Sequence[Track],
    rows: Sequence[int],
    offers: Offers,
    columns: Sequence[int],
    least_iou: float,
    scene: Scene,
    tuning: Tuning,
) -> tuple[list[tuple[int, int]], set[int]]:
    """Return the cheapest (track, detection) pairs, and the tracks among several that compete.

    ``rows`` and ``columns`` are the tracks and detections that take part; a pair's boxes overlap
    at least by ``least_iou``.
    """
    costs: dict[tuple[int, int], float] = {}
    xs, ys = offers.xs, offers.ys
    for row in rows:
        track = tracks[row]
        motion = track.motion
        away = motion.at - track.alive_at > tuning.away_ms
        if away and _has_left(motion, offers.aspect, tuning.left):
            continue
        x, y = motion.x, motion.y
        limit = (_reach(track, tuning) * motion.size) ** 2
        for column in columns:
            dx, dy = xs[column] - x, ys[column] - y
            apart = dx * dx + dy * dy
            if apart > limit:
                continue
            detection = offers.detections[column]
            cost = _cost(track, detection, apart, offers.aspect, least_iou, tuning)
            if cost is None:
                continue
            if away:
                cost += tuning.newcomer_cost * newness(
                    scene, detection.box, tuning.border, tuning.border_prior
                )
            costs[row, column] = cost
    contested = _contested(costs)
    pairs = [
        pair for pair, cost in costs.items() if pair[0] not in contested and cost < tuning.unmatched
    ]
    if contested:
        hidden = _hidden(tracks, sorted(contested), offers.aspect)
        competing = {
            (row, column): cost + tuning.hidden_cost * max(0.0, hidden[row] - tuning.hidden_from)
            for (row, column), cost in costs.items()
            if row in contested
        }
        pairs += assign(competing, tuning.unmatched)
    return pairs, contested


def rescue(
    tracks: Sequence[Track],
    rows: Sequence[int],
    offers: Offers,
    columns: Sequence[int],
    tuning: Tuning,
) -> list[tuple[int, int]]:
    """Match what lies on a track's expected place, whatever its size.

    A box is cut short at once where its object leaves the picture or steps behind something.
    """
    costs: dict[tuple[int, int], float] = {}
    for row in rows:
        expected = motions.box_of(tracks[row].motion, offers.aspect)
        for column in columns:
            detection = offers.detections[column]
            overlap = iou(expected, detection.box)
            if overlap < tuning.rescue_iou:
                continue
            names = (detection.label, tracks[row].evidence.class_name)
            if names[0] == names[1] or GENERIC in names:
                costs[row, column] = 1 - overlap
    return assign(costs, 1.0)


def is_double(detection: Detection, taken: Sequence[Detection], least_iou: float) -> bool:
    """Tell whether a detection lies on one that continues a track, and may be the same object."""
    return any(
        iou(detection.box, other.box) > least_iou and _may_be_one(detection, other)
        for other in taken
    )


def _cost(
    track: Track,
    detection: Detection,
    apart: float,
    aspect: float,
    least_iou: float,
    tuning: Tuning,
) -> float | None:
    """Return what it costs that a detection within reach continues a track; None: it cannot."""
    distance, uncertainty = motions.surprise(
        track.motion, apart, detection.box, aspect, tuning.noise
    )
    if distance > tuning.gate:
        return None
    cost = distance + tuning.certainty * uncertainty
    class_name = track.evidence.class_name
    if detection.label != class_name and GENERIC not in (detection.label, class_name):
        if _is_foreign(detection, track.models):
            return None
        least_iou = max(least_iou, tuning.other_class_iou)
        cost += tuning.other_class_cost
    if least_iou and iou(motions.box_of(track.motion, aspect), detection.box) < least_iou:
        return None
    return cost


def _reach(track: Track, tuning: Tuning) -> float:
    """Return how far from where it is expected a track may be, in box sizes."""
    unseen_s = (track.motion.at - track.alive_at) / 1000.0
    if track.evidence.observations > 1:
        return tuning.reach + unseen_s * tuning.reach_per_s
    return min(tuning.reach + unseen_s * tuning.first_reach_per_s, tuning.first_reach)


def _has_left(motion: Motion, aspect: float, by: float) -> bool:
    width, height = by * motion.width, by * motion.height
    return not (-width <= motion.x <= aspect + width and -height <= motion.y <= 1 + height)


def _contested(pairs: Collection[tuple[int, int]]) -> set[int]:
    """Return the rows that have several columns, or share one: they are close to each other."""
    rows, columns = [row for row, _ in pairs], [column for _, column in pairs]
    if len(set(rows)) == len(rows) and len(set(columns)) == len(columns):
        return set()
    several = {row for row in rows if rows.count(row) > 1}
    shared = {column for column in columns if columns.count(column) > 1}
    return {row for row, column in pairs if row in several or column in shared}


def _hidden(tracks: Sequence[Track], rows: Sequence[int], aspect: float) -> dict[int, float]:
    """Return how much of each track another hides, 0..1: of two the one whose feet are higher."""
    hidden = dict.fromkeys(rows, 0.0)
    boxes = [motions.box_of(tracks[row].motion, aspect) for row in rows]
    for index, (row, box) in enumerate(zip(rows, boxes, strict=True)):
        for other, its in zip(rows[:index], boxes[:index], strict=True):
            if box[2] <= its[0] or its[2] <= box[0]:
                continue
            if box[3] < its[3]:
                hidden[row] = max(hidden[row], overlap(box, its))
            else:
                hidden[other] = max(hidden[other], overlap(its, box))
    return hidden


def _is_foreign(detection: Detection, models: Sequence[str]) -> bool:
    """Tell whether none of these models made the detection: its own name is another thing's."""
    return bool(detection.model and models and detection.model not in models)


def _may_be_one(one: Detection, other: Detection) -> bool:
    """Tell whether two detections of a frame may be one object: not if two models name it twice."""
    return (
        one.model == other.model or one.label == other.label or GENERIC in (one.label, other.label)
    )
