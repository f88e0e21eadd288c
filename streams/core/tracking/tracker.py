"""The tracker: one analysed frame's detections to tracks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from schemas.ids import track_id
from streams.core.geometry import Box
from streams.core.tracking import evidence as evidences
from streams.core.tracking import motion as motions
from streams.core.tracking import scene as scenes
from streams.core.tracking.association import Offers, is_double, match, rescue
from streams.core.tracking.confirmation import is_consistent, is_hopeless, worth_of
from streams.core.tracking.detections import Detection
from streams.core.tracking.scene import Scene
from streams.core.tracking.sighting import Sighting
from streams.core.tracking.track import Track
from streams.core.tracking.tuning import Tuning

__all__ = ["MAX_MODELS", "Analysed", "Tracked", "Tuning", "step"]

MAX_MODELS = 16
"""Of a track; a camera has fewer."""
_LESSON_MS = 250
"""Of each track the scene learns from one sighting in this time: the next ones say the same."""


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
    scene: Scene,
    tuning: Tuning,
) -> Tracked:
    """Match ``detections`` (highest score first) to ``tracks``, mutating these and ``scene``.

    High-scoring detections are matched to all confirmed tracks, then weak ones to the confirmed
    tracks left over, then what is left to tentative tracks, then high-scoring ones to the
    confirmed tracks on whose place they lie. High-scoring ones that fit nothing begin tracks.
    """
    for track in tracks:
        motions.advance(track.motion, frame.at, tuning.noise)
        if _is_looked_for(track, frame):
            track.frames += 1
    found, crowded = _pair(tracks, Offers.of(detections, frame.aspect), birth_score, scene, tuning)
    taken = [detections[column] for column in found.values()]
    sightings: list[tuple[Track, list[Sighting]]] = []
    kept: list[Track] = []
    for index, track in enumerate(tracks):
        if index in found:
            detection = detections[found[index]]
            away_ms = frame.at - track.alive_at
            sighting = _observe(track, detection, frame, index in crowded, tuning)
            if track.confirmed:
                _teach(scene, sighting, away_ms, tuning)
                sightings.append((track, [sighting]))
            elif _confirm(track, sighting, worth_of(detection, taken, scene, tuning), tuning):
                scenes.begins(scene, track.waiting[0].box)
                sightings.append((track, track.waiting))
                track.waiting = []
        elif is_hopeless(track, frame.at, tuning) and _is_looked_for(track, frame):
            continue
        kept.append(track)
    born = 0
    continued = set(found.values())
    for index, detection in enumerate(detections):
        if detection.score < birth_score or len(kept) >= tuning.max_tracks:
            break
        if index in continued or is_double(detection, taken, tuning.double_iou):
            continue
        kept.append(
            _begin(detection, frame, born, worth_of(detection, taken, scene, tuning), tuning)
        )
        born += 1
    return Tracked(kept, sightings)


def _pair(
    tracks: Sequence[Track],
    offers: Offers,
    birth_score: float,
    scene: Scene,
    tuning: Tuning,
) -> tuple[dict[int, int], set[int]]:
    """Return the detection of each track that has one, and the tracks that competed for theirs."""
    strong = [i for i, item in enumerate(offers.detections) if item.score >= birth_score]
    weak = list(range(len(strong), len(offers.detections)))
    confirmed = [index for index, track in enumerate(tracks) if track.confirmed]
    tentative = [index for index, track in enumerate(tracks) if not track.confirmed]
    found: dict[int, int] = {}
    crowded: set[int] = set()
    for candidates, offered, least_iou in (
        (confirmed, strong, 0.0),
        (confirmed, weak, tuning.weak_iou),
        (tentative, strong, 0.0),
        (tentative, weak, tuning.weak_iou),
    ):
        if not candidates or not offered:
            continue
        rows, columns = _left(candidates, offered, found)
        if rows and columns:
            pairs, contested = match(tracks, rows, offers, columns, least_iou, scene, tuning)
            found.update(pairs)
            crowded |= contested
    rows, columns = _left(confirmed, strong, found)
    if rows and columns:
        found.update(rescue(tracks, rows, offers, columns, tuning))
    return found, crowded


def _left(
    rows: Sequence[int], columns: Sequence[int], found: dict[int, int]
) -> tuple[list[int], list[int]]:
    taken = set(found.values())
    return (
        [row for row in rows if row not in found],
        [column for column in columns if column not in taken],
    )


def _observe(
    track: Track, detection: Detection, frame: Analysed, crowded: bool, tuning: Tuning
) -> Sighting:
    """Take in a match."""
    motion = track.motion
    motions.correct(motion, detection.box, frame.aspect, detection.score, crowded, tuning.noise)
    if not _is_looked_for(track, frame):
        track.frames += 1
    _credit(track, detection.model)
    place = motions.place(motion, detection.box, frame.aspect, tuning.noise)
    sighting = _sighting(detection, frame, place)
    evidences.add(track.evidence, sighting)
    track.seen_at = track.alive_at = frame.at
    return sighting


def _confirm(track: Track, sighting: Sighting, worth: float, tuning: Tuning) -> bool:
    """Take in a sighting of a tentative track; tell whether that confirms it."""
    track.waiting.append(sighting)
    track.worth += worth
    track.confirmed = is_consistent(track, tuning)
    return track.confirmed


def _teach(scene: Scene, sighting: Sighting, away_ms: int, tuning: Tuning) -> None:
    """Let the scene learn from a sighting of a confirmed track, the last ``away_ms`` before."""
    if away_ms > tuning.away_ms:
        scenes.resumes(scene, sighting.box)
    if (sighting.at - away_ms) // _LESSON_MS != sighting.at // _LESSON_MS:
        scenes.learn(scene, sighting.label, sighting.box, sighting.score)


def _sighting(detection: Detection, frame: Analysed, place: Box) -> Sighting:
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
        place,
        detection.attributes,
    )


def _is_looked_for(track: Track, frame: Analysed) -> bool:
    """Tell whether a model looked at ``frame`` that ever saw ``track``: else it is not missed."""
    looked, known = frame.models, track.models
    if not looked or not known:
        return True
    # One model on a camera is the rule.
    return known[0] in looked or any(model in looked for model in known)


def _credit(track: Track, model: str) -> None:
    if model and model not in track.models and len(track.models) < MAX_MODELS:
        track.models.append(model)


def _begin(
    detection: Detection, frame: Analysed, index: int, worth: float, tuning: Tuning
) -> Track:
    sighting = _sighting(detection, frame, detection.box)
    track = Track(
        track_id=track_id(frame.camera, frame.epoch_at, frame.seq, index),
        epoch_at=frame.epoch_at,
        seen_at=frame.at,
        alive_at=frame.at,
        frames=1,
        motion=motions.begin(frame.at, detection.box, frame.aspect, tuning.noise),
        evidence=evidences.begin(sighting),
        waiting=[sighting],
        worth=worth,
    )
    _credit(track, detection.model)
    evidences.add(track.evidence, sighting)
    return track
