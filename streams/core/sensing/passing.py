"""The passing of time: timers, still stretches, epochs, the ends of tracks."""

from __future__ import annotations

from schemas.records import Reading
from streams.core.sensing import naming
from streams.core.sensing.output import Output
from streams.core.sensing.plan import CameraPlan
from streams.core.sensing.state import CameraState, Departed
from streams.core.sensors.base import Shown
from streams.core.tracking import motion
from streams.core.tracking.evidence import report
from streams.core.tracking.track import Track

_NOBODY: frozenset[str] = frozenset()


def advance(state: CameraState, now: int, plan: CameraPlan, output: Output) -> None:
    """Move the clock to ``now``; fire all timers up to and including it on the way."""
    _run(state, now, _NOBODY, plan, output)
    state.clock_at = now


def _run(
    state: CameraState, until: int, still: frozenset[str], plan: CameraPlan, output: Output
) -> None:
    """Fire all timers up to and including ``until``, in the order of their deadlines."""
    while True:
        due = until + 1
        for track in state.tracks:
            due = min(due, track.alive_at + plan.lost_ms)
        for name, sensor in plan.sensors.items():
            deadline = sensor.deadline(state.sensors[name], still)
            if deadline is not None and deadline < due:
                due = deadline
        if due > until:
            return
        gone = [track for track in state.tracks if track.alive_at + plan.lost_ms <= due]
        if gone:
            _end(state, gone, plan, output)
        known_at = due if state.clock_at is None else max(due, state.clock_at)
        for name, sensor in plan.sensors.items():
            fired = sensor.due(state.sensors[name], due, known_at, still)
            output.fire(state, name, fired, plan)
        release(state, plan)


def _end(state: CameraState, gone: list[Track], plan: CameraPlan, output: Output) -> None:
    names = {track.track_id for track in gone}
    state.tracks = [track for track in state.tracks if track.track_id not in names]
    for track in gone:
        state.recent.pop(track.track_id, None)
        state.unnamed.pop(track.track_id, None)
        if not track.confirmed:
            continue
        output.tracks.append(naming.finished(state, track, plan))
        features = report(track.track_id, track.evidence, track.frames)
        model = track.evidence.model
        state.departed[track.track_id] = Departed(
            track.epoch_at, features, model, state.version_of(model)
        )
        for name, sensor in plan.sensors.items():
            sensor.forget(state.sensors[name], track.track_id)


def release(state: CameraState, plan: CameraPlan) -> None:
    """Forget the departed of whom no sensor has anything left to say."""
    if not state.departed:
        return
    held = {
        track for name, sensor in plan.sensors.items() for track in sensor.held(state.sensors[name])
    }
    state.departed = {track: item for track, item in state.departed.items() if track in held}


def hold_still(state: CameraState, reading: Reading, plan: CameraPlan, output: Output) -> None:
    """Let a still stretch pass: what the last frame showed counts as seen again all through it.

    The clocks of absence stand still, and the holds of those who stood there at last are decided
    at their deadlines.
    """
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
        standing = frozenset(track.track_id for track in state.tracks if state.is_standing(track))
        # A frame shows for itself what is there at its own time.
        until = reading.at if reading.kind == "beat" else reading.at - 1
        _run(state, until, standing, plan, output)


def change_epoch(state: CameraState, reading: Reading, plan: CameraPlan, output: Output) -> None:
    """End all tracks when a new epoch begins; a word from an older one changes nothing."""
    if reading.epoch_at is None or reading.epoch_at == state.epoch_at:
        return
    if state.epoch_at is None or reading.epoch_at > state.epoch_at:
        _end(state, state.tracks, plan, output)
        release(state, plan)
        state.epoch_at = reading.epoch_at
        state.sent_at = state.analysed_at = state.steady_at = None


def hear(state: CameraState, reading: Reading, now: int, plan: CameraPlan, output: Output) -> None:
    """Let the sensors know that the camera gave a sign, and what its picture looks like."""
    shown = Shown(now, reading.motion, reading.view) if reading.kind == "frame" else None
    for name, sensor in plan.sensors.items():
        fired = sensor.hear(state.sensors[name], now, reading.state == "online")
        if shown is not None:
            fired += sensor.show(state.sensors[name], shown)
        if fired:
            output.fire(state, name, fired, plan)
