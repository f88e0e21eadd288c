"""What one camera's sensing needs of a site's configuration, compiled once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from schemas.errors import Rejected
from schemas.site.values import milliseconds
from streams.core.ground import Ground
from streams.core.sensors.base import Context, Sensor
from streams.core.sensors.registry import SensorState, compile_sensor
from streams.core.tracking.detections import GENERIC, Selection
from streams.core.tracking.tracker import Tuning

if TYPE_CHECKING:
    from schemas.site import SiteConfig


@dataclass(frozen=True, slots=True)
class CameraPlan:
    """Immutable; one for each version of the configuration and camera."""

    site: str
    camera: str
    version: int
    selection: Selection
    birth_score: float
    """A track begins only from a detection at or above it."""
    lost_ms: int
    ground: Ground | None
    sensors: Mapping[str, Sensor[SensorState]]
    """By name, in alphabetical order."""
    choosy: frozenset[str]
    """Lines and zones that look only at things with certain names."""
    digests: Mapping[str, str]
    """SHA-256 of each sensor's definition: a sensor keeps its state while its digest stays."""
    tuning: Tuning

    @classmethod
    def compile(cls, config: SiteConfig, camera: str, version: int) -> CameraPlan:
        """Compile what ``config`` says of ``camera``.

        Raises:
            Rejected: there is no such camera, or one of its sensors needs what it lacks.
        """
        settings = config.cameras.get(camera)
        if settings is None:
            raise Rejected(
                f"site {config.site!r} has no camera {camera!r}; "
                f"it has {', '.join(sorted(config.cameras)) or 'none'}",
                reason="unknown-camera",
            )
        lost_ms = milliseconds(settings.lost_s)
        plane = settings.ground
        context = Context(lost_ms, Ground.compile(plane.image, plane.metres) if plane else None)
        definitions = {
            name: sensor
            for name, sensor in sorted(config.sensors.items())
            if sensor.camera == camera
        }
        return cls(
            site=config.site,
            camera=camera,
            version=version,
            selection=Selection(
                classes=None if settings.classes is None else frozenset(settings.classes),
                model_classes=tuple(
                    (model, frozenset(use.classes))
                    for model, use in sorted(settings.models.items())
                    if use.classes is not None
                ),
                ignore=tuple(tuple(polygon) for polygon in settings.ignore),
            ),
            birth_score=settings.min_score,
            lost_ms=lost_ms,
            ground=context.ground,
            sensors=MappingProxyType(
                {name: compile_sensor(name, item, context) for name, item in definitions.items()}
            ),
            choosy=frozenset(
                name
                for name, item in definitions.items()
                if item.kind in ("line", "zone")
                and item.classes is not None
                and GENERIC not in item.classes
            ),
            digests=MappingProxyType(
                {name: _digest(_meaning(item, plane)) for name, item in definitions.items()}
            ),
            tuning=Tuning(),
        )


def _meaning(sensor: Any, plane: Any) -> dict[str, Any]:
    """Return all that a sensor's state depends on: what is in metres, on the ground plane too."""
    meaning: dict[str, Any] = sensor.model_dump(mode="json")
    if plane is not None and any(meaning.get(key) for key in ("speed", "distance_m")):
        meaning["ground"] = plane.model_dump(mode="json")
    return meaning


def _digest(definition: object) -> str:
    text = json.dumps(definition, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
