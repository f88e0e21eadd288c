"""The sense stage: one camera's readings, in order, to triggers, reports, tracks and counts.

Time moves by readings only. Timers (a track that has been away too long, a visit that is over, a
zone that has been full for long enough) fire at their deadline's value before any reading at or
after it, so how often beats come changes no result.
"""

from __future__ import annotations

from dataclasses import dataclass

from schemas.records import Count, Reading, Sensed
from schemas.records import Track as TrackRecord
from streams.core.sensing import counts as minutes
from streams.core.sensing.looking import frame_of, look, take_note
from streams.core.sensing.naming import Observation
from streams.core.sensing.output import Output
from streams.core.sensing.passing import advance, change_epoch, hear, hold_still, release
from streams.core.sensing.plan import CameraPlan
from streams.core.sensing.state import CameraState, new_state
from streams.core.tracking.detections import select

__all__ = ["CameraPlan", "CameraState", "Observation", "Sensing", "new_state", "step"]


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
    frame = frame_of(reading, partition) if analysed else None
    detections = select(reading, plan.selection, plan.birth_score) if analysed else []
    state.applied = reading.offset
    if reading.kind == "frame" and _is_late(state, reading):
        return state, Sensing(dropped="late")
    output = Output()
    _adopt(state, plan)
    hold_still(state, reading, plan, output)
    now = reading.at if state.clock_at is None else max(reading.at, state.clock_at)
    advance(state, now, plan, output)
    told = minutes.tell(
        state.counts, now, site=state.site, camera=state.camera, config_version=plan.version
    )
    change_epoch(state, reading, plan, output)
    hear(state, reading, now, plan, output)
    if reading.kind == "frame":
        state.sent_at = state.steady_at = reading.at
    if frame is not None:
        take_note(state, reading)
        look(state, frame, detections, plan, output)
    return state, Sensing(
        sensed=_sensed(state, reading, now, output, plan),
        tracks=tuple(output.tracks),
        counts=tuple(told),
        observations=tuple(output.observations),
    )


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
    release(state, plan)


def _sensed(
    state: CameraState, reading: Reading, now: int, output: Output, plan: CameraPlan
) -> Sensed | None:
    if reading.kind == "frame" and not output.triggers and not output.reports:
        return None
    return Sensed(
        site=state.site,
        key=state.camera,
        n=reading.offset,
        at=now,
        epoch_at=reading.epoch_at,
        config_version=plan.version,
        beat=reading.state if reading.kind == "beat" else None,
        triggers=output.in_order(),
        reports=tuple(output.reports),
    )
