"""What looks at a camera's tracks, pictures or connection, and which triggers it gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Discriminator, Tag

from schemas.site.entry import Entry
from schemas.site.faults import Finding, meant, refuse, shown
from schemas.site.shapes import Polygon, Polyline
from schemas.site.values import (
    Duration,
    Labels,
    Name,
    Ratio,
    choice,
    labels,
    number,
)


class Size(Entry):
    """Limits of a box's area, as part of the picture's."""

    min: Ratio | None = None
    """Smallest area that counts."""
    max: Ratio | None = None
    """Largest area that counts."""

    @classmethod
    def conflicts(cls, values: Mapping[str, Any]) -> Iterator[Finding]:
        """Ask for a limit, and for some room between two."""
        yield from _limits(values, "min", "max", equal=True)


class Speed(Entry):
    """Limits of the speed over the last second, in metres a second."""

    above: Annotated[float, number(0, 1000)] | None = None
    """Only what is faster."""
    below: Annotated[float, number(0, 1000)] | None = None
    """Only what is slower."""

    @classmethod
    def conflicts(cls, values: Mapping[str, Any]) -> Iterator[Finding]:
        """Ask for a limit, and for some room between two."""
        yield from _limits(values, "above", "below", equal=False)


class Heading(Entry):
    """A direction of movement on the screen."""

    towards_deg: Annotated[float, number(0, 360)]
    """Degrees, 0 is up, clockwise."""
    within_deg: Annotated[float, number(0.001, 180)] = 30.0
    """Degrees to either side."""


class Occupancy(Entry):
    """How many objects make a zone occupied, and for how long."""

    min: Annotated[int, number(1, 10_000, integer=True)]
    """Objects inside."""
    for_s: Duration = 0.0
    """Seconds without a break."""


class Sensor(Entry):
    """What every sensor has."""

    triggers: ClassVar[tuple[str, ...]] = ()
    """The triggers of this kind."""
    has_object: ClassVar[bool] = True
    """Whether its triggers are about an object, with a class."""
    needs: ClassVar[Mapping[str, str]] = {}
    """Triggers that never come unless the named key is given."""

    camera: Name
    """The camera it looks at."""


class ObjectSensor(Sensor):
    """A sensor of single objects, with filters on them."""

    classes: Labels = None
    """Classes that count; all where not given."""
    size: Size | None = None
    """Limits of the box's area."""
    speed: Speed | None = None
    """Limits of the speed; needs the camera's `ground`."""
    heading: Heading | None = None
    """The direction of movement."""
    anchor: Annotated[Literal["bottom", "centre"], choice("bottom", "centre")] = "bottom"
    """The point of the box that counts: middle of its lower edge, or its centre."""


class LineSensor(ObjectSensor):
    """Objects that cross a polyline."""

    triggers: ClassVar[tuple[str, ...]] = ("crossed",)

    kind: Literal["line"]
    points: Polyline
    """Two or more points [x, y], 0 to 1, origin top left."""
    rearm: Annotated[float, number(0, 100)] = 0.1
    """Distance from the line, in box heights, after which the next crossing counts."""


class ZoneSensor(ObjectSensor):
    """Objects inside a polygon."""

    triggers: ClassVar[tuple[str, ...]] = ("entered", "left", "dwelled", "occupied", "vacated")
    needs: ClassVar[Mapping[str, str]] = {
        "dwelled": "dwell_s",
        "occupied": "occupancy",
        "vacated": "occupancy",
    }

    kind: Literal["zone"]
    points: Polygon
    """Three or more points [x, y] of a simple polygon, 0 to 1, origin top left."""
    enter_after_s: Duration = 0.0
    """Seconds inside before it counts as entered."""
    leave_after_s: Duration = 1.0
    """Absences shorter than this do not end a visit."""
    dwell_s: Duration | None = None
    """Seconds after which a visit has dwelled."""
    occupancy: Occupancy | None = None
    """When the zone counts as occupied."""


class TamperSensor(Sensor):
    """A camera that is covered, defocused, moved or frozen."""

    triggers: ClassVar[tuple[str, ...]] = ("covered", "defocused", "moved", "frozen", "restored")
    has_object: ClassVar[bool] = False

    kind: Literal["tamper"]
    for_s: Duration = 2.0
    """Seconds before it counts."""


class LinkSensor(Sensor):
    """A camera that is away."""

    triggers: ClassVar[tuple[str, ...]] = ("offline", "online")
    has_object: ClassVar[bool] = False

    kind: Literal["link"]
    for_s: Duration = 10.0
    """Seconds without a frame before it counts as offline."""


class MotionSensor(Sensor):
    """Any change of the picture."""

    triggers: ClassVar[tuple[str, ...]] = ("started", "stopped")
    has_object: ClassVar[bool] = False

    kind: Literal["motion"]
    area: Ratio = 0.01
    """Part of the picture that must change."""
    for_s: Duration = 0.5
    """Seconds before it counts."""


class StationarySensor(ObjectSensor):
    """Things left behind or taken away."""

    triggers: ClassVar[tuple[str, ...]] = ("abandoned", "removed")

    kind: Literal["stationary"]
    for_s: Duration = 60.0
    """Seconds before it counts."""
    points: Polygon | None = None
    """A simple polygon to look at; the whole picture where not given."""


class ProximitySensor(Sensor):
    """Two objects near each other."""

    triggers: ClassVar[tuple[str, ...]] = ("near",)

    kind: Literal["proximity"]
    classes: Annotated[tuple[str, str], labels(exactly=2)]
    """The two classes, [a, b]."""
    distance_m: Annotated[float, number(0.001, 10_000)] | None = None
    """Distance in metres; needs the camera's `ground`."""
    distance: Annotated[float, number(0.0001, 100)] | None = None
    """Distance in frame heights."""
    for_s: Duration = 1.0
    """Seconds before it counts."""
    size: Size | None = None
    """Limits of the box's area."""
    speed: Speed | None = None
    """Limits of the speed; needs the camera's `ground`."""
    heading: Heading | None = None
    """The direction of movement."""
    anchor: Annotated[Literal["bottom", "centre"], choice("bottom", "centre")] = "bottom"
    """The point of the box that counts."""

    @classmethod
    def conflicts(cls, values: Mapping[str, Any]) -> Iterator[Finding]:
        """Ask for exactly one distance."""
        keys = ("distance", "distance_m")
        if all(key in values for key in keys):
            given = [key for key in keys if values[key] is not None]
            if len(given) != 1:
                problem = "has two distances" if given else "has no distance"
                yield Finding((), problem, "one of distance, distance_m")


def _limits(values: Mapping[str, Any], low: str, high: str, *, equal: bool) -> Iterator[Finding]:
    if low not in values or high not in values:
        return
    least, most = values[low], values[high]
    if least is None and most is None:
        yield Finding((), "has no limit", f"{low}, {high}, or both")
    elif least is not None and most is not None and (least > most or (least == most and not equal)):
        yield Finding((), f"nothing fits {low} {least:g} and {high} {most:g}", f"{low} < {high}")


def _hints(own: type[Sensor]) -> Mapping[str, str]:
    """Say of each key that is none of this kind whose key it is."""
    hints = {"lost_s": "it is a key of cameras"}
    for other in KINDS.values():
        for key in set(other.model_fields) - set(own.model_fields):
            kinds = [name for name, cls in KINDS.items() if key in cls.model_fields]
            hints[key] = f"it is for sensors of the kind {', '.join(kinds)}"
    return hints


def _tag(value: Any) -> str | None:
    kind = value.get("kind") if isinstance(value, Mapping) else getattr(value, "kind", None)
    return f"<{kind}>" if isinstance(kind, str) and kind in KINDS else None


def _known_kind(value: Any) -> Any:
    if _tag(value) is not None:
        return value
    if not isinstance(value, Mapping):
        raise refuse(Finding((), f"{shown(value)} is not a mapping", "camera, kind, ..."))
    allowed = ", ".join(KINDS)
    if "kind" not in value:
        raise refuse(Finding(("kind",), "is missing", allowed))
    kind = value["kind"]
    raise refuse(Finding(("kind",), f"{shown(kind)} is not a kind{meant(kind, KINDS)}", allowed))


AnySensor = Annotated[
    Annotated[LineSensor, Tag("<line>")]
    | Annotated[ZoneSensor, Tag("<zone>")]
    | Annotated[TamperSensor, Tag("<tamper>")]
    | Annotated[LinkSensor, Tag("<link>")]
    | Annotated[MotionSensor, Tag("<motion>")]
    | Annotated[StationarySensor, Tag("<stationary>")]
    | Annotated[ProximitySensor, Tag("<proximity>")],
    Discriminator(_tag),
    BeforeValidator(_known_kind),
]
KINDS: Mapping[str, type[Sensor]] = {
    "line": LineSensor,
    "zone": ZoneSensor,
    "tamper": TamperSensor,
    "link": LinkSensor,
    "motion": MotionSensor,
    "stationary": StationarySensor,
    "proximity": ProximitySensor,
}
for _kind in KINDS.values():
    _kind.hints = _hints(_kind)
TRIGGERS: tuple[str, ...] = tuple(t for kind in KINDS.values() for t in kind.triggers)
"""Every trigger of every kind."""
