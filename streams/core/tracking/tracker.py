"""The tracker: one analysed frame's detections to tracks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from schemas.ids import track_id
from streams.core.geometry import iou
from streams.core.tracking import evidence as evidences
from streams.core.tracking import motion as motions
from streams.core.tracking.assignment import assign
from streams.core.tracking.detections import GENERIC, Detection
from streams.core.tracking.motion import Noise
from streams.core.tracking.sighting import Sighting
from streams.core.tracking.track import Track

MAX_MODELS = 16
"""Of a track; a camera has fewer."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """Constants of the tracker, one set for all footage; chosen by measurement."""

    noise: Noise = field(default_factory=Noise)
    gate: float = 12.0
    """Largest squared Mahalanobis distance of a match, four degrees of freedom."""
    certainty: float = 1.35
    """Weight of a track's uncertainty among the costs: 2 is the Gaussian log-likelihood."""
    unmatched: float = 7.0
    """Cost of leaving a track without a detection."""
    reach: float = 0.34
    """No object is farther than this from where it is expected, in box sizes (longer side)."""
    reach_per_s: float = 0.8
    """What it may be farther for each second since it was seen."""
    first_reach_per_s: float = 6.0
    """The same while it was seen only once, and its velocity is unknown."""
    first_reach: float = 2.0
    """The most that this makes."""
    weak_iou: float = 0.6
    """A weak detection continues a track only where it was expected."""
    other_class_iou: float = 0.5
    """A detection of another class continues a track only where it was expected."""
    other_class_cost: float = 6.0
    rescue_iou: float = 0.2
    """What no track expected still continues the track on whose place it lies this well."""
    confirm_ms: int = 300
    """A track seen in most frames is confirmed once its sightings span this."""
    confirm_part: float = 0.8
    """So many frames since its beginning are most."""
    doubtful_ms: int = 900
    """A track seen in fewer frames is confirmed once its sightings span this."""
    doubtful_part: float = 0.5
    """Seen in fewer frames than this it is never confirmed."""
    tentative_lost_ms: int = 450
    """A tentative track that is missed for this long is forgotten."""
    tentative_ms: int = 3000
    """One that has not been confirmed after this long is forgotten too."""
    double_iou: float = 0.55
    """A new track may not begin on top of a detection that continues another one."""
    max_tracks: int = 256


class Analysed(msgspec.Struct, frozen=True):
    """The frame that was analysed."""

    camera: str
    epoch_at: int
    seq: int
    at: int
    partition: int
    offset: int
    aspect: float
    models: tuple[str, ...] = ()
    """That looked at it; empty: all there are."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """What one frame gave: the sightings of confirmed tracks, oldest track first.

    A track confirmed by this frame comes with all its sightings so far, others with one.
    """

    tracks: list[Track]
    sightings: list[tuple[Track, list[Sighting]]]


def step(
    tracks: list[Track],
    detections: Sequence[Detection],
    frame: Analysed,
    birth_score: float,
    tuning: Tuning,
) -> Tracked:
    """Match ``detections`` (highest score first) to ``tracks``, mutating them.

    High-scoring detections are matched to all confirmed tracks, then weak ones to the confirmed
    tracks left over, then what is left to tentative tracks, then high-scoring ones to the
    confirmed tracks on whose place they lie. High-scoring ones that fit nothing begin tracks.
    """
    for track in tracks:
        motions.advance(track.motion, frame.at, tuning.noise)
        track.frames += _is_looked_for(track, frame)
    strong = [index for index, item in enumerate(detections) if item.score >= birth_score]
    weak = [index for index, item in enumerate(detections) if item.score < birth_score]
    confirmed = [index for index, track in enumerate(tracks) if track.confirmed]
    tentative = [index for index, track in enumerate(tracks) if not track.confirmed]
    found: dict[int, int] = {}
    for candidates, offered, least_iou in (
        (confirmed, strong, 0.0),
        (confirmed, weak, tuning.weak_iou),
        (tentative, strong, 0.0),
        (tentative, weak, tuning.weak_iou),
    ):
        taken = set(found.values())
        pairs = _match(
            tracks,
            [index for index in candidates if index not in found],
            detections,
            [index for index in offered if index not in taken],
            frame.aspect,
            least_iou,
            tuning,
        )
        found.update(pairs)
    found.update(_rescue(tracks, confirmed, detections, strong, found, frame.aspect, tuning))
    sightings: list[tuple[Track, list[Sighting]]] = []
    kept: list[Track] = []
    for index, track in enumerate(tracks):
        if index in found:
            seen = _observe(track, detections[found[index]], frame, tuning)
            if track.confirmed:
                sightings.append((track, seen))
        elif _is_looked_for(track, frame) and _is_hopeless(track, frame.at, tuning):
            continue
        kept.append(track)
    taken = set(found.values())
    born = 0
    for index in strong:
        if index in taken or len(kept) >= tuning.max_tracks:
            continue
        if any(
            iou(detections[index].box, detections[other].box) > tuning.double_iou
            and _may_be_one(detections[index], detections[other])
            for other in sorted(taken)
        ):
            continue
        kept.append(_begin(detections[index], frame, born, tuning.noise))
        born += 1
    return Tracked(kept, sightings)


def _match(
    tracks: Sequence[Track],
    rows: Sequence[int],
    detections: Sequence[Detection],
    columns: Sequence[int],
    aspect: float,
    least_iou: float,
    tuning: Tuning,
) -> list[tuple[int, int]]:
    costs: dict[tuple[int, int], float] = {}
    for row in rows:
        track = tracks[row]
        class_name = track.evidence.class_name
        reach = _reach(track, tuning)
        for column in columns:
            detection = detections[column]
            judged = motions.surprise(track.motion, detection.box, aspect, reach, tuning.noise)
            if judged is None or judged[0] > tuning.gate:
                continue
            cost = judged[0] + tuning.certainty * judged[1]
            needed = least_iou
            if detection.label != class_name and GENERIC not in (detection.label, class_name):
                if _is_foreign(detection, track.models):
                    continue
                needed = max(needed, tuning.other_class_iou)
                cost += tuning.other_class_cost
            if needed and iou(motions.box_of(track.motion, aspect), detection.box) < needed:
                continue
            costs[row, column] = cost
    return assign(costs, tuning.unmatched) if costs else []


def _reach(track: Track, tuning: Tuning) -> float:
    """Return how far from where it is expected a track may be, in box sizes."""
    unseen_s = (track.motion.at - track.alive_at) / 1000.0
    if track.evidence.observations > 1:
        return tuning.reach + unseen_s * tuning.reach_per_s
    return min(tuning.reach + unseen_s * tuning.first_reach_per_s, tuning.first_reach)


def _rescue(
    tracks: Sequence[Track],
    rows: Sequence[int],
    detections: Sequence[Detection],
    columns: Sequence[int],
    found: Mapping[int, int],
    aspect: float,
    tuning: Tuning,
) -> list[tuple[int, int]]:
    """Match what lies on a track's expected place, whatever its size.

    A box is cut short at once where its object leaves the picture or steps behind something.
    """
    taken = set(found.values())
    costs: dict[tuple[int, int], float] = {}
    for row in rows:
        if row in found:
            continue
        expected = motions.box_of(tracks[row].motion, aspect)
        for column in columns:
            if column not in taken:
                overlap = iou(expected, detections[column].box)
                names = (detections[column].label, tracks[row].evidence.class_name)
                same = names[0] == names[1] or GENERIC in names
                if overlap >= tuning.rescue_iou and same:
                    costs[row, column] = 1 - overlap
    return assign(costs, 1.0) if costs else []


def _sighting(detection: Detection, frame: Analysed) -> Sighting:
    return Sighting(
        frame.at,
        frame.seq,
        frame.partition,
        frame.offset,
        frame.aspect,
        detection.box,
        detection.score,
        detection.label,
        detection.model,
    )


def _observe(track: Track, detection: Detection, frame: Analysed, tuning: Tuning) -> list[Sighting]:
    """Take in a match; return the sightings that count now, none while tentative."""
    motions.correct(track.motion, detection.box, frame.aspect, tuning.noise)
    if not _is_looked_for(track, frame):
        track.frames += 1
    _credit(track, detection.model)
    sighting = _sighting(detection, frame)
    evidences.add(track.evidence, sighting)
    track.seen_at = track.alive_at = frame.at
    if track.confirmed:
        return [sighting]
    track.waiting.append(sighting)
    if _is_consistent(track, tuning):
        track.confirmed = True
        waited, track.waiting = track.waiting, []
        return waited
    return []


def _is_looked_for(track: Track, frame: Analysed) -> bool:
    """Tell whether a model looked at ``frame`` that ever saw ``track``: else it is not missed."""
    if not frame.models or not track.models:
        return True
    return any(model in track.models for model in frame.models)


def _is_foreign(detection: Detection, models: Sequence[str]) -> bool:
    """Tell whether none of these models made the detection: its own name is that of another thing."""
    return bool(detection.model and models and detection.model not in models)


def _may_be_one(one: Detection, other: Detection) -> bool:
    """Tell whether two detections of a frame may be one object: not if two models name it twice."""
    return (
        one.model == other.model or one.label == other.label or GENERIC in (one.label, other.label)
    )


def _credit(track: Track, model: str) -> None:
    if model and model not in track.models and len(track.models) < MAX_MODELS:
        track.models.append(model)


def _is_consistent(track: Track, tuning: Tuning) -> bool:
    """Tell whether a tentative track has been seen often enough for long enough."""
    count = len(track.waiting)
    span_ms = track.seen_at - track.evidence.started_at
    if count < 2 or span_ms < tuning.confirm_ms:
        return False
    if count >= tuning.confirm_part * track.frames:
        return True
    return span_ms >= tuning.doubtful_ms and count >= tuning.doubtful_part * track.frames


def _is_hopeless(track: Track, now: int, tuning: Tuning) -> bool:
    """Tell whether a missed track is tentative and has been missed or doubtful for too long."""
    return not track.confirmed and (
        now - track.alive_at >= tuning.tentative_lost_ms
        or now - track.evidence.started_at >= tuning.tentative_ms
    )


def _begin(detection: Detection, frame: Analysed, index: int, noise: Noise) -> Track:
    sighting = _sighting(detection, frame)
    track = Track(
        track_id=track_id(frame.camera, frame.epoch_at, frame.seq, index),
        epoch_at=frame.epoch_at,
        seen_at=frame.at,
        alive_at=frame.at,
        frames=1,
        motion=motions.begin(frame.at, detection.box, frame.aspect, noise),
        evidence=evidences.begin(sighting),
        waiting=[sighting],
    )
    _credit(track, detection.model)
    evidences.add(track.evidence, sighting)
    return track
