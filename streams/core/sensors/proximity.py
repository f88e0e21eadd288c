"""``proximity``: two objects that stay near each other."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import msgspec

from schemas.site.sensors import ProximitySensor
from schemas.site.values import milliseconds
from streams.core.geometry import Point
from streams.core.ground import Ground
from streams.core.sensors.base import Context, Fired, Seen, Sensor
from streams.core.sensors.subject import Subject

APART_MS = 1000
"""Absences of nearness shorter than this do not end a meeting, as a zone's do not end a visit."""
_MEMORY_MS = 4000
"""Longer than a track can wait for its confirmation: its path meets those of others then."""
_MAX_LOOKS = 256


class Stand(msgspec.Struct, frozen=True):
    """Where an object stood in one frame."""

    class_name: str
    x: float
    """In metres on the ground, or in frame heights."""
    y: float
    anchor: Point


class Meeting(msgspec.Struct):
    """Two tracks that are or were near each other."""

    near_at: int
    hold_from: int | None
    """Since when they were near without a break; None: at last they were not."""
    anchor: Point
    """Of the first track, when they were last near."""
    fired: bool = False


class ProximityState(msgspec.Struct, tag="proximity"):
    """The last seconds, and who is near whom."""

    looks: dict[int, dict[str, Stand]]
    """By time and track."""
    meetings: dict[str, Meeting]
    """By both tracks, ``first second``."""


@dataclass(frozen=True, slots=True)
class Proximity(Sensor[ProximityState]):
    """Fires ``near`` for the object of the first class, once a meeting."""

    classes: tuple[str, str]
    limit: float
    """Distance, in metres where ``ground`` is there, else in frame heights."""
    ground: Ground | None
    hold_ms: int
    subject: Subject

    @classmethod
    def compile(cls, name: str, sensor: ProximitySensor, context: Context) -> Proximity:
        """Read a sensor of the site's configuration."""
        in_metres = sensor.distance_m is not None
        limit = sensor.distance_m if in_metres else sensor.distance
        assert limit is not None
        return cls(
            classes=sensor.classes,
            limit=limit,
            ground=context.need_ground(name, "distance_m") if in_metres else None,
            hold_ms=milliseconds(sensor.for_s),
            subject=Subject.compile(name, sensor, context),
        )

    def begin(self) -> ProximityState:
        """Return the state of an empty picture."""
        return ProximityState(looks={}, meetings={})

    def observe(self, state: ProximityState, seen: Seen) -> list[Fired]:
        """Compare with everything else seen in the same frame."""
        if seen.class_name not in self.classes or not self.subject.fits(seen):
            return []
        stand = self._stand(seen)
        if stand is None:
            return []
        _forget_before(state, seen.known_at - _MEMORY_MS)
        look = state.looks.setdefault(seen.at, {})
        fired: list[Fired] = []
        for other, its in look.items():
            for pair in _pairs(self.classes, (seen.track, stand), (other, its)):
                fired += self._compare(state, seen, *pair)
        look[seen.track] = stand
        return fired

    def forget(self, state: ProximityState, track: str) -> None:
        """Nobody meets a track that has ended."""
        state.meetings = {
            pair: meeting for pair, meeting in state.meetings.items() if track not in pair.split()
        }

    def deadline(self, state: ProximityState, still: frozenset[str]) -> int | None:
        """Return when the next hold of two that stand still is over."""
        times = [
            meeting.hold_from + self.hold_ms
            for pair, meeting in state.meetings.items()
            if meeting.hold_from is not None
            and not meeting.fired
            and still.issuperset(pair.split())
        ]
        return min(times, default=None)

    def due(
        self, state: ProximityState, now: int, known_at: int, still: frozenset[str]
    ) -> list[Fired]:
        """Decide the holds of those who stand still."""
        fired: list[Fired] = []
        for pair, meeting in state.meetings.items():
            if still.issuperset(pair.split()):
                fired += self._decide(pair, meeting, now, known_at)
        return fired

    def hold(self, state: ProximityState, stretch_ms: int) -> None:
        """Count those who were near at last as near all through a still stretch."""
        for meeting in state.meetings.values():
            if meeting.hold_from is not None:
                meeting.near_at += stretch_ms

    def held(self, state: ProximityState) -> Collection[str]:
        """Return nobody: a track that has ended is near nobody."""
        return ()

    def _stand(self, seen: Seen) -> Stand | None:
        anchor = self.subject.place(seen)
        if self.ground is None:
            return Stand(seen.class_name, anchor[0] * seen.aspect, anchor[1], anchor)
        place = self.ground.at(anchor)
        return None if place is None else Stand(seen.class_name, *place, anchor)

    def _compare(
        self, state: ProximityState, seen: Seen, pair: str, one: Stand, other: Stand
    ) -> list[Fired]:
        near = math.hypot(one.x - other.x, one.y - other.y) <= self.limit
        meeting = state.meetings.get(pair)
        if meeting is not None and seen.at >= meeting.near_at + APART_MS:
            del state.meetings[pair]
            meeting = None
        if not near:
            if meeting is not None:
                meeting.hold_from = None
            return []
        if meeting is None:
            meeting = state.meetings[pair] = Meeting(seen.at, seen.at, one.anchor)
        elif meeting.hold_from is None:
            meeting.hold_from = seen.at
        meeting.near_at, meeting.anchor = seen.at, one.anchor
        return self._decide(pair, meeting, seen.at, seen.known_at)

    def _decide(self, pair: str, meeting: Meeting, until: int, known_at: int) -> list[Fired]:
        since_at = meeting.hold_from
        if meeting.fired or since_at is None or since_at + self.hold_ms > until:
            return []
        meeting.fired = True
        return [
            Fired(
                trigger="near",
                track=pair.split()[0],
                triggered_at=since_at + self.hold_ms,
                since_at=since_at,
                known_at=known_at,
                anchor=meeting.anchor,
            )
        ]


def _pairs(
    classes: tuple[str, str], one: tuple[str, Stand], other: tuple[str, Stand]
) -> list[tuple[str, Stand, Stand]]:
    """Return the pair with the object of the first class in front; of equals the older track."""
    first, second = classes
    for (track, stand), (partner, its) in ((one, other), (other, one)):
        if stand.class_name == first and its.class_name == second:
            if first == second and (len(partner), partner) < (len(track), track):
                track, stand, partner, its = partner, its, track, stand
            return [(f"{track} {partner}", stand, its)]
    return []


def _forget_before(state: ProximityState, at: int) -> None:
    times = sorted(state.looks)
    for time in times[:-_MAX_LOOKS] + [time for time in times[-_MAX_LOOKS:] if time < at]:
        del state.looks[time]
