"""One analysed frame: track what it shows and let the sensors see it."""

from __future__ import annotations

import math

from schemas.errors import Rejected
from schemas.records import Reading
from streams.core.geometry import Point, anchor_of, heading_deg
from streams.core.ground import Ground
from streams.core.sensing.naming import Observation
from streams.core.sensing.output import Output
from streams.core.sensing.plan import CameraPlan
from streams.core.sensing.state import CameraState, Looked
from streams.core.sensing.unnamed import earlier
from streams.core.sensors.base import Seen
from streams.core.tracking import tracker
from streams.core.tracking.births import note_births
from streams.core.tracking.detections import Detection, answered
from streams.core.tracking.evidence import report
from streams.core.tracking.scene import Scene
from streams.core.tracking.sighting import Sighting
from streams.core.tracking.track import Track
from streams.core.tracking.tracker import MAX_MODELS, Analysed

_HEADING_MS = 1000
_MAX_RECENT = 256
_PAUSE_MS = 2500
"""Longer than a gated camera sends no frame of a still scene by default."""


def frame_of(reading: Reading, partition: int) -> Analysed:
    """Return the frame that a reading is about.

    Raises:
        Rejected: it lacks its size, epoch or sequence number, or what its models found does not
            belong together.
    """
    if reading.width < 1 or reading.height < 1 or reading.epoch_at is None or reading.seq < 0:
        raise Rejected(
            f"frame {reading.seq} of camera {reading.camera!r} at offset {reading.offset} lacks "
            "its size, epoch or sequence number",
            reason="incomplete-frame",
        )
    parts = answered(reading)
    return Analysed(
        camera=reading.camera,
        epoch_at=reading.epoch_at,
        seq=reading.seq,
        at=reading.at,
        partition=partition,
        offset=reading.offset,
        aspect=reading.width / reading.height,
        models=(parts[0].model,) if len(parts) == 1 else tuple([part.model for part in parts]),
    )


def take_note(state: CameraState, reading: Reading) -> None:
    """Remember which models looked at a frame, when, and in which versions."""
    parts = answered(reading)
    if state.analysed_at is None or reading.at - state.analysed_at > _PAUSE_MS:
        state.resumed_at = reading.at
    state.analysed_at = reading.at
    state.model = parts[0].model
    for part in parts:
        state.looked.pop(part.model, None)
        state.looked[part.model] = Looked(part.version, reading.at)
    while len(state.looked) > MAX_MODELS:
        del state.looked[next(iter(state.looked))]


def look(
    state: CameraState,
    frame: Analysed,
    detections: list[Detection],
    plan: CameraPlan,
    output: Output,
) -> None:
    """Take in the detections of a frame.

    Tracks that have fired are reported with their first observation in each whole second.
    """
    seconds = {track.track_id: track.seen_at // 1000 for track in state.tracks}
    sensors = [(name, sensor, state.sensors[name]) for name, sensor in plan.sensors.items()]
    named_late = bool(plan.choosy) and len(state.looked) > 1
    if state.scene.epoch_at != frame.epoch_at:
        state.scene = Scene(epoch_at=frame.epoch_at)
    tracked = tracker.step(
        state.tracks, detections, frame, plan.birth_score, state.scene, plan.tuning
    )
    state.tracks = tracked.tracks
    if state.resumed_at is not None:
        note_births(state.tracks, frame.at, frame.aspect, state.resumed_at)
    for track, sightings in tracked.sightings:
        for sighting in sightings:
            output.observations.append(
                Observation(
                    track.track_id,
                    track.epoch_at,
                    sighting.seq,
                    sighting.place or sighting.box,
                    sighting.score,
                )
            )
            seen = _seen(state, track, sighting, frame.at, plan.ground)
            late = earlier(state.unnamed, seen) if named_late else None
            for name, sensor, sensor_state in sensors:
                if late and name in plan.choosy:
                    # It looked at the path under no name, and must not see it run back.
                    sensor.forget(sensor_state, track.track_id)
                    for one in late:
                        fired = sensor.observe(sensor_state, one)
                        if fired:
                            output.fire(state, name, fired, plan)
                fired = sensor.observe(sensor_state, seen)
                if fired:
                    output.fire(state, name, fired, plan, sighting)
    for track, _ in tracked.sightings:
        if track.evidence.fired and seconds[track.track_id] != frame.at // 1000:
            output.reports.append(report(track.track_id, track.evidence, track.frames))


def _seen(
    state: CameraState, track: Track, sighting: Sighting, known_at: int, ground: Ground | None
) -> Seen:
    place = anchor_of(sighting.box, "bottom")
    recent = state.recent.setdefault(track.track_id, [])
    while recent and recent[0][0] < sighting.at - _HEADING_MS:
        del recent[0]
    heading = speed = None
    if recent:
        began_at, before = recent[0][0], recent[0][1:]
        if before != place:
            heading = heading_deg(before, place, sighting.aspect)
        if ground is not None:
            speed = _speed(ground, before, place, sighting.at - began_at)
    recent.append((sighting.at, *place))
    if len(recent) > _MAX_RECENT:
        del recent[:-_MAX_RECENT]
    return Seen(
        track=track.track_id,
        class_name=track.evidence.class_name,
        at=sighting.at,
        known_at=known_at,
        aspect=sighting.aspect,
        box=sighting.box,
        heading_deg=heading,
        speed=speed,
    )


def _speed(ground: Ground, start: Point, end: Point, ms: int) -> float | None:
    """Return metres a second between two points of the picture; None: not on the ground."""
    here, there = ground.at(start), ground.at(end)
    if here is None or there is None or ms <= 0:
        return None
    return math.dist(here, there) / (ms / 1000)
