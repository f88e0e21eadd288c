"""The kinds of sensor there are. A new one is one file, and its line in each list here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from schemas.errors import Rejected
from streams.core.sensors.base import Context, Sensor
from streams.core.sensors.line import Line, LineState
from streams.core.sensors.link import Link, LinkState
from streams.core.sensors.proximity import Proximity, ProximityState
from streams.core.sensors.stationary import Stationary, StationaryState
from streams.core.sensors.zone import Zone, ZoneState

SensorState = LineState | ZoneState | LinkState | ProximityState | StationaryState
"""A tagged union, so that a camera's state decodes without being told the kinds."""

_KINDS: Mapping[str, Callable[[str, Any, Context], Sensor[Any]]] = {
    "line": Line.compile,
    "zone": Zone.compile,
    "link": Link.compile,
    "proximity": Proximity.compile,
    "stationary": Stationary.compile,
}


def compile_sensor(name: str, sensor: Any, context: Context) -> Sensor[SensorState]:
    """Compile one sensor of a site's configuration (``schemas.site.sensors``).

    Raises:
        Rejected: there is no such kind here yet, or its camera lacks what it needs.
    """
    make = _KINDS.get(sensor.kind)
    if make is None:
        raise Rejected(
            f"sensors.{name}: the kind {sensor.kind!r} is not supported yet; "
            f"there are {', '.join(sorted(_KINDS))}",
            reason="unsupported",
        )
    return make(name, sensor, context)
