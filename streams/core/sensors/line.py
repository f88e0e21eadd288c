"""``line``: objects that cross a finite polyline, each crossing once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import msgspec

from schemas.site.sensors import LineSensor
from streams.core.geometry import TOLERANCE, Point, cuts, distance_to_polyline
from streams.core.sensors.base import Context, Fired, Seen, Sensor
from streams.core.sensors.subject import Subject


class Crossing(msgspec.Struct, frozen=True):
    """A cut that was not counted yet."""

    at: int
    forward: bool
    anchor: Point


class Passer(msgspec.Struct):
    """Where a track stands to the line."""

    place: Point
    """Its last anchor off the line."""
    armed: bool = True
    pending: Crossing | None = None
    """The last cut while disarmed, where their number is odd."""


class LineState(msgspec.Struct, tag="line"):
    """One entry for each living track that has been off the line."""

    passers: dict[str, Passer]


@dataclass(frozen=True, slots=True)
class Line(Sensor[LineState]):
    """Fires ``crossed`` with a ``direction``."""

    points: tuple[Point, ...]
    rearm: float
    """Distance from the line, in box heights, beyond which the next crossing counts."""
    subject: Subject

    @classmethod
    def compile(cls, name: str, sensor: LineSensor, context: Context) -> Line:
        """Read a sensor of the site's configuration."""
        return cls(tuple(sensor.points), sensor.rearm, Subject.compile(name, sensor, context))

    def begin(self) -> LineState:
        """Return the state of a line that nobody has come near."""
        return LineState(passers={})

    def observe(self, state: LineState, seen: Seen) -> list[Fired]:
        """Count the step from the last observation off the line to this one.

        An observation on the line is skipped. A cut at which the object does not fit the
        sensor's filters is none.
        """
        place = self.subject.place(seen)
        distance = distance_to_polyline(self.points, place, seen.aspect)
        if distance <= TOLERANCE:
            return []
        passer = state.passers.get(seen.track)
        if passer is None:
            state.passers[seen.track] = Passer(place=place)
            return []
        fired: list[Fired] = []
        x, y = passer.place
        step = math.hypot((place[0] - x) * seen.aspect, place[1] - y)
        # A step shorter than the distance that is left ends on the side it began on.
        found = cuts(self.points, passer.place, place) if step >= distance else []
        if len(found) % 2 and self.subject.fits(seen):
            crossing = Crossing(seen.at, found[-1].forward, place)
            if passer.armed:
                fired.append(_fired(seen, crossing))
                passer.armed = False
            else:
                passer.pending = crossing if passer.pending is None else None
        passer.place = place
        if not passer.armed and distance > self.rearm * (seen.box[3] - seen.box[1]):
            if passer.pending is not None:
                fired.append(_fired(seen, passer.pending))
            passer.armed, passer.pending = True, None
        return fired

    def forget(self, state: LineState, track: str) -> None:
        """Drop the track; one that ends disarmed counts no more."""
        state.passers.pop(track, None)


def _fired(seen: Seen, crossing: Crossing) -> Fired:
    return Fired(
        trigger="crossed",
        track=seen.track,
        triggered_at=crossing.at,
        since_at=crossing.at,
        known_at=seen.known_at,
        direction="forward" if crossing.forward else "backward",
        anchor=crossing.anchor,
    )
