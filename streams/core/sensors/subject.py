"""Which observations a sensor of objects looks at."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.site.sensors import ObjectSensor, ProximitySensor
from streams.core.geometry import Anchor, Point, anchor_of, visible_area
from streams.core.sensors.base import Context, Seen


@dataclass(frozen=True, slots=True)
class Subject:
    """The filters that sensors of objects share; None: no limit."""

    anchor: Anchor
    classes: frozenset[str] | None
    smallest: float | None
    """Least and greatest area of the box in the picture, 0..1, both included."""
    largest: float | None
    towards_deg: float | None
    within_deg: float
    faster: float | None
    """Metres a second, both excluded."""
    slower: float | None

    @classmethod
    def compile(
        cls, name: str, sensor: ObjectSensor | ProximitySensor, context: Context
    ) -> Subject:
        """Read the filters of a sensor.

        Raises:
            Rejected: it filters by speed, and its camera has no ground.
        """
        size, heading, speed = sensor.size, sensor.heading, sensor.speed
        if speed is not None:
            context.need_ground(name, "speed")
        return cls(
            anchor=sensor.anchor,
            classes=None if sensor.classes is None else frozenset(sensor.classes),
            smallest=size.min if size else None,
            largest=size.max if size else None,
            towards_deg=heading.towards_deg if heading else None,
            within_deg=heading.within_deg if heading else 180.0,
            faster=speed.above if speed else None,
            slower=speed.below if speed else None,
        )

    def place(self, seen: Seen) -> Point:
        """Return the point that stands for the object."""
        return anchor_of(seen.box, self.anchor)

    def fits(self, seen: Seen) -> bool:
        """Tell whether this observation counts."""
        if self.classes is not None and seen.class_name not in self.classes:
            return False
        if self.smallest is not None or self.largest is not None:
            area = visible_area(seen.box)
            if self.smallest is not None and area < self.smallest:
                return False
            if self.largest is not None and area > self.largest:
                return False
        if self.faster is not None and (seen.speed is None or seen.speed <= self.faster):
            return False
        if self.slower is not None and (seen.speed is None or seen.speed >= self.slower):
            return False
        if self.towards_deg is None:
            return True
        if seen.heading_deg is None:
            return False
        turn = abs(seen.heading_deg - self.towards_deg) % 360.0
        return min(turn, 360.0 - turn) <= self.within_deg
