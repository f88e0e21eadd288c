"""What sensors and the tracker found, as the records that leave the stage."""

from __future__ import annotations

import msgspec

from schemas import ids
from schemas.records import PathPoint, Trigger
from schemas.records import Track as TrackRecord
from streams.core.geometry import Box
from streams.core.sensing.plan import CameraPlan
from streams.core.sensing.state import CameraState
from streams.core.sensors.base import Fired
from streams.core.tracking.evidence import MAX_PATH, report
from streams.core.tracking.path import shorten
from streams.core.tracking.sighting import Sighting
from streams.core.tracking.track import Track


class Observation(msgspec.Struct, frozen=True):
    """One row of a confirmed track: where it was in one frame."""

    track: str
    epoch_at: int
    seq: int
    box: Box
    """Where the tracker takes the object to be; normalised, may reach past the picture."""
    score: float


def trigger(
    state: CameraState,
    sensor: str,
    fired: Fired,
    plan: CameraPlan,
    sighting: Sighting | None = None,
) -> Trigger:
    """Name what a sensor fired and add the features of its track at this moment.

    ``sighting`` is the one that decided it, where one did. The model is the one that named the
    track's class; without a track the first that looked last.
    """
    epoch_at, features = state.epoch_at, None
    model = state.model
    model_version = state.version_of(model)
    departed = state.departed.get(fired.track) if fired.track is not None else None
    if departed is not None:
        epoch_at, features = departed.epoch_at, departed.report
        model, model_version = departed.model, departed.model_version
    for track in state.tracks:
        if track.track_id == fired.track:
            epoch_at = track.epoch_at
            features = report(track.track_id, track.evidence, track.frames)
            model = track.evidence.model
            model_version = state.version_of(model)
    return Trigger(
        trigger_id=ids.trigger_id(
            state.site,
            state.camera,
            epoch_at,
            sensor,
            fired.trigger,
            fired.track,
            fired.triggered_at,
        ),
        site=state.site,
        camera=state.camera,
        epoch_at=epoch_at,
        sensor=sensor,
        trigger=fired.trigger,
        direction=fired.direction,
        track=fired.track,
        class_name=features.class_name if features else None,
        score=features.score if features else None,
        anchor=fired.anchor,
        count=fired.count,
        triggered_at=fired.triggered_at,
        since_at=fired.since_at,
        known_at=fired.known_at,
        model=model,
        model_version=model_version,
        config_version=plan.version,
        report=features,
        frame=None if sighting is None or features is None else sighting.reference,
    )


def finished(state: CameraState, track: Track, plan: CameraPlan) -> TrackRecord:
    """Return the summary of a confirmed track that has ended, at the time it was last seen."""
    evidence = track.evidence
    return TrackRecord(
        track_id=track.track_id,
        site=state.site,
        camera=state.camera,
        epoch_at=track.epoch_at,
        class_name=evidence.class_name,
        score_mean=evidence.score,
        score_max=evidence.score_max,
        observations=evidence.observations,
        started_at=evidence.started_at,
        ended_at=evidence.seen_at,
        path=tuple(PathPoint(at=at, x=x, y=y) for at, x, y in shorten(evidence.path, MAX_PATH)),
        zones=tuple(evidence.zones),
        colours=(),
        config_version=plan.version,
        model=evidence.model,
        model_version=state.version_of(evidence.model),
    )
