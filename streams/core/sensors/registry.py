"""The kinds of sensor there are. A new one is one file, and its line in each list here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from streams.core.sensors.base import Context, Sensor
from streams.core.sensors.line import Line, LineState
from streams.core.sensors.link import Link, LinkState
from streams.core.sensors.motion import Motion, MotionState
from streams.core.sensors.proximity import Proximity, ProximityState
from streams.core.sensors.stationary import Stationary, StationaryState
from streams.core.sensors.tamper import Tamper, TamperState
from streams.core.sensors.zone import Zone, ZoneState

SensorState = (
    LineState | ZoneState | TamperState | LinkState | MotionState | StationaryState | ProximityState
)
"""A tagged union, so that a camera's state decodes without being told the kinds."""

KINDS: Mapping[str, Callable[[str, Any, Context], Sensor[Any]]] = {
    "line": Line.compile,
    "zone": Zone.compile,
    "tamper": Tamper.compile,
    "link": Link.compile,
    "motion": Motion.compile,
    "proximity": Proximity.compile,
    "stationary": Stationary.compile,
}


def compile_sensor(name: str, sensor: Any, context: Context) -> Sensor[SensorState]:
    """Compile one sensor of a site's configuration (``schemas.site.sensors``).

    Raises:
        Rejected: its camera lacks what it needs.
    """
    return KINDS[sensor.kind](name, sensor, context)
