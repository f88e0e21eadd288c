"""What one step finds, gathered on the way."""

from __future__ import annotations

from dataclasses import dataclass, field

from schemas.records import Track as TrackRecord
from schemas.records import TrackReport, Trigger
from streams.core.sensing import counts, naming
from streams.core.sensing.naming import Observation
from streams.core.sensing.plan import CameraPlan
from streams.core.sensing.state import CameraState
from streams.core.sensors.base import Fired
from streams.core.tracking.sighting import Sighting


@dataclass
class Output:
    """Grows while a reading is taken in."""

    triggers: list[Trigger] = field(default_factory=list)
    reports: list[TrackReport] = field(default_factory=list)
    tracks: list[TrackRecord] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)

    def fire(
        self,
        state: CameraState,
        sensor: str,
        found: list[Fired],
        plan: CameraPlan,
        sighting: Sighting | None = None,
    ) -> None:
        """Name, count and remember what a sensor fired, at a sighting or as time passed."""
        for fired in found:
            counts.add(state.counts, sensor, fired)
            for track in state.tracks:
                if track.track_id == fired.track:
                    track.evidence.fired = True
                    if fired.trigger == "entered" and sensor not in track.evidence.zones:
                        track.evidence.zones.append(sensor)
            self.triggers.append(naming.trigger(state, sensor, fired, plan, sighting))

    def in_order(self) -> tuple[Trigger, ...]:
        """Return the triggers by the time they were known, their own time, sensor and track."""
        return tuple(
            sorted(
                self.triggers,
                key=lambda item: (
                    item.known_at,
                    item.triggered_at,
                    item.camera,
                    item.sensor,
                    item.track or "",
                ),
            )
        )
