"""``stationary``: things left behind, and things taken away."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import msgspec

from schemas.site.sensors import StationarySensor
from schemas.site.values import milliseconds
from streams.core.geometry import Point, anchor_of, in_polygon
from streams.core.sensors.base import Context, Fired, Seen, Sensor
from streams.core.sensors.subject import Subject

_SAME_PLACE = 0.25
"""A box whose centre is within this many box heights of where it stood has not moved."""
_MAX_SPOTS = 256


class Spot(msgspec.Struct):
    """A place at which a thing stands or stood. The thing may change its track, not its place."""

    track: str
    class_name: str
    x: float
    """Centre of the box when it came, in frame heights."""
    y: float
    reach: float
    """How far from there it may be seen, in frame heights."""
    anchor: Point
    since_at: int
    seen_at: int
    abandoned: bool = False


class StationaryState(msgspec.Struct, tag="stationary"):
    """The places at which something stands, oldest first."""

    spots: list[Spot]


@dataclass(frozen=True, slots=True)
class Stationary(Sensor[StationaryState]):
    """Fires ``abandoned`` after ``hold_ms`` at one place, ``removed`` after as long without it.

    ``removed`` tells of what had been ``abandoned``; it names that track, ended as it may be.
    """

    hold_ms: int
    lost_ms: int
    points: tuple[Point, ...] | None
    subject: Subject

    @classmethod
    def compile(cls, name: str, sensor: StationarySensor, context: Context) -> Stationary:
        """Read a sensor of the site's configuration."""
        return cls(
            hold_ms=milliseconds(sensor.for_s),
            lost_ms=context.lost_ms,
            points=tuple(sensor.points) if sensor.points else None,
            subject=Subject.compile(name, sensor, context),
        )

    def begin(self) -> StationaryState:
        """Return the state of an empty picture."""
        return StationaryState(spots=[])

    def observe(self, state: StationaryState, seen: Seen) -> list[Fired]:
        """See a thing at its place, or at another one."""
        place = self.subject.place(seen)
        inside = self.points is None or in_polygon(self.points, place)
        spot = self._spot_of(state, seen) if inside and self.subject.fits(seen) else None
        for other in [spot_ for spot_ in state.spots if spot_.track == seen.track]:
            # It has gone from there; what was abandoned there may still be taken for removed.
            if other is not spot and not other.abandoned:
                state.spots.remove(other)
        if not inside or not self.subject.fits(seen):
            return []
        if spot is None:
            if len(state.spots) < _MAX_SPOTS:
                state.spots.append(_new_spot(seen, place))
            return []
        spot.track, spot.seen_at, spot.anchor = seen.track, seen.at, place
        return self._decide(spot, seen.at, seen.known_at)

    def forget(self, state: StationaryState, track: str) -> None:
        """Keep the spots: a thing that stands is often lost from sight and found again."""

    def deadline(self, state: StationaryState, still: frozenset[str]) -> int | None:
        """Return when the next thing is removed, forgotten, or abandoned in a still picture."""
        return min(
            (time for spot in state.spots for time in self._times(spot, still)), default=None
        )

    def due(
        self, state: StationaryState, now: int, known_at: int, still: frozenset[str]
    ) -> list[Fired]:
        """Fire what is due, and forget the places that are empty."""
        fired: list[Fired] = []
        for spot in list(state.spots):
            if spot.track in still:
                fired += self._decide(spot, now, known_at)
            empty_at = self._empty_at(spot)
            if empty_at > now:
                continue
            state.spots.remove(spot)
            if spot.abandoned:
                fired.append(_fired("removed", spot, empty_at, spot.seen_at, known_at))
        return fired

    def hold(self, state: StationaryState, stretch_ms: int) -> None:
        """A still stretch is not absence."""
        for spot in state.spots:
            spot.seen_at += stretch_ms

    def held(self, state: StationaryState) -> Collection[str]:
        """Return the tracks of what may still be removed."""
        return [spot.track for spot in state.spots if spot.abandoned]

    def _spot_of(self, state: StationaryState, seen: Seen) -> Spot | None:
        """Return the spot at which this thing stood: its own, or one whose track is not seen."""
        x, y = _centre(seen)
        near = [
            spot
            for spot in state.spots
            if math.hypot(spot.x - x, spot.y - y) <= spot.reach
            and (spot.track == seen.track or spot.class_name == seen.class_name)
            and (spot.track == seen.track or spot.seen_at < seen.at)
        ]
        own = [spot for spot in near if spot.track == seen.track]
        return next(iter(own or near), None)

    def _empty_at(self, spot: Spot) -> int:
        patience_ms = self.hold_ms if spot.abandoned else self.lost_ms
        return spot.seen_at + max(patience_ms, 1)

    def _times(self, spot: Spot, still: frozenset[str]) -> Iterator[int]:
        yield self._empty_at(spot)
        if spot.track in still and not spot.abandoned:
            yield spot.since_at + self.hold_ms

    def _decide(self, spot: Spot, until: int, known_at: int) -> list[Fired]:
        if spot.abandoned or spot.since_at + self.hold_ms > until:
            return []
        spot.abandoned = True
        at = spot.since_at + self.hold_ms
        return [_fired("abandoned", spot, at, spot.since_at, known_at)]


def _centre(seen: Seen) -> Point:
    x, y = anchor_of(seen.box, "centre")
    return x * seen.aspect, y


def _new_spot(seen: Seen, anchor: Point) -> Spot:
    x, y = _centre(seen)
    reach = _SAME_PLACE * (seen.box[3] - seen.box[1])
    return Spot(seen.track, seen.class_name, x, y, reach, anchor, seen.at, seen.at)


def _fired(trigger: str, spot: Spot, at: int, since_at: int, known_at: int) -> Fired:
    return Fired(
        trigger=trigger,
        track=spot.track,
        triggered_at=at,
        since_at=since_at,
        known_at=known_at,
        anchor=spot.anchor,
    )
