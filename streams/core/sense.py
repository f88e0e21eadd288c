"""The sense stage: one camera's readings, in order, to triggers, reports, tracks and counts.

Time moves by readings only. Timers (a track that has been away too long, a visit that is over, a
zone that has been full for long enough) fire at their deadline's value before any reading at or
after it, so how often beats come changes no result.
"""

from __future__ import annotations

from dataclasses import dataclass

from schemas.errors import Rejected
from schemas.records import Count, Reading, Sensed, TrackReport, Trigger
from schemas.records import Track as TrackRecord
from streams.core.geometry import anchor_of, heading_deg
from streams.core.sensing import counts as minutes
from streams.core.sensing import naming
from streams.core.sensing.naming import Observation
from streams.core.sensing.plan import CameraPlan
from streams.core.sensing.state import CameraState, Departed, new_state
from streams.core.sensors.base import Fired, Seen
from streams.core.tracking import evidence as evidences
from streams.core.tracking import motion, tracker
from streams.core.tracking.detections import Detection, select
from streams.core.tracking.track import Sighting, Track

__all__ = ["CameraPlan", "CameraState", "Observation", "Sensing", "new_state", "step"]

_HEADING_MS = 1000
_MAX_RECENT = 256
_NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Sensing:
    """What one reading gave."""

    sensed: Sensed | None = None
    """For the triggers topic; None when there is nothing to say."""
    tracks: tuple[TrackRecord, ...] = ()
    """Confirmed tracks that have ended."""
    counts: tuple[Count, ...] = ()
    """Minutes that are over, or corrected."""
    observations: tuple[Observation, ...] = ()
    """Rows of confirmed tracks, those before confirmation at that moment."""
    dropped: str | None = None
    """Why the reading had no effect: ``repeat`` or ``late``."""


class _Output:
    """What one step has found so far."""

    def __init__(self) -> None:
        self.triggers: list[Trigger] = []
        self.reports: list[TrackReport] = []
        self.tracks: list[TrackRecord] = []
        self.observations: list[Observation] = []


def step(
    state: CameraState, reading: Reading, partition: int, plan: CameraPlan
) -> tuple[CameraState, Sensing]:
    """Take in one reading; mutates ``state`` and returns it.

    ``partition`` is that of the frames topic, for references to frames.

    Raises:
        Rejected: the reading contradicts itself; ``state`` is unchanged.
    """
    if reading.offset <= state.applied:
        return state, Sensing(dropped="repeat")
    analysed = reading.kind == "frame" and reading.outcome == "ok"
    detections = _detections(reading, plan) if analysed else []
    state.applied = reading.offset
    if reading.kind == "frame" and _is_late(state, reading):
        return state, Sensing(dropped="late")
    output = _Output()
    _adopt(state, plan)
    _hold_still(state, reading, plan, output)
    now = reading.at if state.clock_at is None else max(reading.at, state.clock_at)
    _advance(state, now, _NOBODY, plan, output)
    state.clock_at = now
    told = minutes.tell(
        state.counts, now, site=state.site, camera=state.camera, config_version=plan.version
    )
    _change_epoch(state, reading, plan, output)
    if reading.kind == "frame":
        state.sent_at = state.steady_at = reading.at
    if analysed:
        _look(state, reading, detections, partition, plan, output)
    return state, Sensing(
        sensed=_sensed(state, reading, output, plan),
        tracks=tuple(output.tracks),
        counts=tuple(told),
        observations=tuple(output.observations),
    )


def _detections(reading: Reading, plan: CameraPlan) -> list[Detection]:
    if reading.width < 1 or reading.height < 1 or reading.epoch_at is None or reading.seq < 0:
        raise Rejected(
            f"frame {reading.seq} of camera {reading.camera!r} at offset {reading.offset} lacks "
            "its size, epoch or sequence number",
            reason="incomplete-frame",
        )
    return select(reading, plan.selection)


def _is_late(state: CameraState, reading: Reading) -> bool:
    old = (
        reading.epoch_at is not None
        and state.epoch_at is not None
        and reading.epoch_at < state.epoch_at
    )
    return old or (state.clock_at is not None and reading.at <= state.clock_at)


def _adopt(state: CameraState, plan: CameraPlan) -> None:
    """Change to another version: sensors defined as before keep their state, others begin."""
    if state.version == plan.version:
        return
    state.sensors = {
        name: state.sensors[name]
        if state.digests.get(name) == plan.digests[name]
        else sensor.begin()
        for name, sensor in plan.sensors.items()
    }
    state.digests = dict(plan.digests)
    state.version = plan.version
    _release(state, plan)


def _hold_still(state: CameraState, reading: Reading, plan: CameraPlan, output: _Output) -> None:
    """Let a still stretch pass: what the last frame showed counts as seen again all through it."""
    steady_at = state.steady_at
    changed = reading.epoch_at is not None and reading.epoch_at != state.epoch_at
    if not reading.still or reading.state != "online" or changed or steady_at is None:
        return
    stretch_ms = reading.at - steady_at
    if stretch_ms <= 0:
        return
    for track in state.tracks:
        track.alive_at += stretch_ms
        motion.settle(track.motion, reading.at)
    for name, sensor in plan.sensors.items():
        sensor.hold(state.sensors[name], stretch_ms)
    state.steady_at = reading.at
    if state.sent_at == state.analysed_at:
        standing = frozenset(
            track.track_id for track in state.tracks if track.seen_at == state.analysed_at
        )
        # A frame shows for itself what is there at its own time.
        until = reading.at if reading.kind == "beat" else reading.at - 1
        _advance(state, until, standing, plan, output)


def _advance(
    state: CameraState, until: int, still: frozenset[str], plan: CameraPlan, output: _Output
) -> None:
    """Fire all timers up to and including ``until``, in the order of their deadlines."""
    while True:
        ends_at = min((track.alive_at for track in state.tracks), default=None)
        times = [] if ends_at is None else [ends_at + plan.lost_ms]
        for name, sensor in plan.sensors.items():
            deadline = sensor.deadline(state.sensors[name], still)
            if deadline is not None:
                times.append(deadline)
        due = min(times, default=None)
        if due is None or due > until:
            return
        gone = [track for track in state.tracks if track.alive_at + plan.lost_ms <= due]
        if gone:
            _end(state, gone, plan, output)
        known_at = due if state.clock_at is None else max(due, state.clock_at)
        for name, sensor in plan.sensors.items():
            _fire(state, name, sensor.due(state.sensors[name], due, known_at, still), plan, output)
        _release(state, plan)


def _end(state: CameraState, gone: list[Track], plan: CameraPlan, output: _Output) -> None:
    names = {track.track_id for track in gone}
    state.tracks = [track for track in state.tracks if track.track_id not in names]
    for track in gone:
        state.recent.pop(track.track_id, None)
        if not track.confirmed:
            continue
        output.tracks.append(naming.finished(state, track, plan))
        features = evidences.report(track.track_id, track.evidence, track.frames)
        state.departed[track.track_id] = Departed(track.epoch_at, features)
        for name, sensor in plan.sensors.items():
            sensor.forget(state.sensors[name], track.track_id)


def _release(state: CameraState, plan: CameraPlan) -> None:
    """Forget the departed of whom no sensor has anything left to say."""
    if not state.departed:
        return
    held = {
        track for name, sensor in plan.sensors.items() for track in sensor.held(state.sensors[name])
    }
    state.departed = {track: item for track, item in state.departed.items() if track in held}


def _change_epoch(state: CameraState, reading: Reading, plan: CameraPlan, output: _Output) -> None:
    """End all tracks when a new epoch begins; a word from an older one changes nothing."""
    if reading.epoch_at is None or reading.epoch_at == state.epoch_at:
        return
    if state.epoch_at is None or reading.epoch_at > state.epoch_at:
        _end(state, state.tracks, plan, output)
        _release(state, plan)
        state.epoch_at = reading.epoch_at
        state.sent_at = state.analysed_at = state.steady_at = None


def _look(
    state: CameraState,
    reading: Reading,
    detections: list[Detection],
    partition: int,
    plan: CameraPlan,
    output: _Output,
) -> None:
    """Track what the frame shows and let the sensors see it."""
    assert reading.epoch_at is not None
    state.analysed_at = reading.at
    state.model, state.model_version = reading.model, reading.model_version
    seconds = {track.track_id: track.seen_at // 1000 for track in state.tracks}
    frame = tracker.Analysed(
        camera=state.camera,
        epoch_at=reading.epoch_at,
        seq=reading.seq,
        at=reading.at,
        partition=partition,
        offset=reading.offset,
        aspect=reading.width / reading.height,
    )
    tracked = tracker.step(state.tracks, detections, frame, plan.birth_score, plan.tuning)
    state.tracks = tracked.tracks
    for track, sightings in tracked.sightings:
        for sighting in sightings:
            output.observations.append(
                Observation(
                    track.track_id, track.epoch_at, sighting.seq, sighting.box, sighting.score
                )
            )
            seen = _seen(state, track, sighting, reading.at)
            for name, sensor in plan.sensors.items():
                _fire(state, name, sensor.observe(state.sensors[name], seen), plan, output)
    for track, _ in tracked.sightings:
        if track.evidence.fired and seconds[track.track_id] != reading.at // 1000:
            output.reports.append(evidences.report(track.track_id, track.evidence, track.frames))


def _seen(state: CameraState, track: Track, sighting: Sighting, known_at: int) -> Seen:
    place = anchor_of(sighting.box, "bottom")
    recent = state.recent.setdefault(track.track_id, [])
    while recent and recent[0][0] < sighting.at - _HEADING_MS:
        del recent[0]
    heading = None
    if recent and (recent[0][1], recent[0][2]) != place:
        heading = heading_deg((recent[0][1], recent[0][2]), place, sighting.aspect)
    recent.append((sighting.at, *place))
    del recent[:-_MAX_RECENT]
    return Seen(
        track=track.track_id,
        class_name=track.evidence.class_name,
        at=sighting.at,
        known_at=known_at,
        aspect=sighting.aspect,
        box=sighting.box,
        heading_deg=heading,
    )


def _fire(
    state: CameraState, sensor: str, found: list[Fired], plan: CameraPlan, output: _Output
) -> None:
    for fired in found:
        minutes.add(state.counts, sensor, fired)
        track = next((item for item in state.tracks if item.track_id == fired.track), None)
        if track is not None:
            track.evidence.fired = True
            if fired.trigger == "entered" and sensor not in track.evidence.zones:
                track.evidence.zones.append(sensor)
        output.triggers.append(naming.trigger(state, sensor, fired, plan))


def _sensed(
    state: CameraState, reading: Reading, output: _Output, plan: CameraPlan
) -> Sensed | None:
    if reading.kind == "frame" and not output.triggers and not output.reports:
        return None
    assert state.clock_at is not None
    return Sensed(
        site=state.site,
        key=state.camera,
        n=reading.offset,
        at=state.clock_at,
        epoch_at=reading.epoch_at,
        config_version=plan.version,
        beat=reading.state if reading.kind == "beat" else None,
        triggers=tuple(sorted(output.triggers, key=_order)),
        reports=tuple(output.reports),
    )


def _order(trigger: Trigger) -> tuple[int, int, str, str, str]:
    return (
        trigger.known_at,
        trigger.triggered_at,
        trigger.camera,
        trigger.sensor,
        trigger.track or "",
    )
