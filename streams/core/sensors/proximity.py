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


class Walk(msgspec.Struct):
    """Where a track of the last seconds was, and what it is."""

    class_name: str
    looks: list[tuple[int, float, float]]
    """Time and anchor, ascending."""


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

    walks: dict[str, Walk]
    """By track."""
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
        return ProximityState(walks={}, meetings={})

    def observe(self, state: ProximityState, seen: Seen) -> list[Fired]:
        """Compare with everything else seen in the same frame."""
        if seen.class_name not in self.classes or not self.subject.fits(seen):
            return []
        anchor = self.subject.place(seen)
        own = state.walks.setdefault(seen.track, Walk(seen.class_name, []))
        own.class_name = seen.class_name
        fired: list[Fired] = []
        for track, walk in state.walks.items():
            if track != seen.track:
                fired += self._meet(state, seen, anchor, track, walk)
        own.looks.append((seen.at, *anchor))
        _forget_before(state, seen.known_at - _MEMORY_MS)
        return fired

    def forget(self, state: ProximityState, track: str) -> None:
        """Nobody meets a track that has ended."""
        state.walks.pop(track, None)
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

    def _meet(
        self, state: ProximityState, seen: Seen, anchor: Point, track: str, walk: Walk
    ) -> list[Fired]:
        """Compare with where another track was in the same frame, if it was seen there."""
        look = next((look for look in reversed(walk.looks) if look[0] <= seen.at), None)
        if look is None or look[0] != seen.at:
            return []
        other = look[1:]
        ours = (seen.track, seen.class_name, anchor)
        ordered = _ordered(self.classes, ours, (track, walk.class_name, other))
        if ordered is None:
            return []
        (first, place), (second, _) = ordered
        pair, near = f"{first} {second}", self._distance(anchor, other, seen.aspect) <= self.limit
        meeting = state.meetings.get(pair)
        if meeting is not None and seen.at >= meeting.near_at + APART_MS:
            del state.meetings[pair]
            meeting = None
        if not near:
            if meeting is not None:
                meeting.hold_from = None
            return []
        if meeting is None:
            meeting = state.meetings[pair] = Meeting(seen.at, seen.at, place)
        elif meeting.hold_from is None:
            meeting.hold_from = seen.at
        meeting.near_at, meeting.anchor = seen.at, place
        return self._decide(pair, meeting, seen.at, seen.known_at)

    def _distance(self, one: Point, other: Point, aspect: float) -> float:
        """Return metres on the ground, or frame heights; infinite above the horizon."""
        if self.ground is None:
            return math.hypot((one[0] - other[0]) * aspect, one[1] - other[1])
        here, there = self.ground.at(one), self.ground.at(other)
        return math.inf if here is None or there is None else math.dist(here, there)

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


_Object = tuple[str, str, Point]
"""Track, class and anchor."""


def _ordered(
    classes: tuple[str, str], one: _Object, other: _Object
) -> tuple[tuple[str, Point], tuple[str, Point]] | None:
    """Return track and anchor of both, the first class in front; of equals the older track."""
    if classes[0] == classes[1]:
        one, other = sorted((one, other), key=lambda item: (len(item[0]), item[0]))
    elif one[1] != classes[0]:
        one, other = other, one
    if (one[1], other[1]) != classes:
        return None
    return (one[0], one[2]), (other[0], other[2])


def _forget_before(state: ProximityState, at: int) -> None:
    for track, walk in list(state.walks.items()):
        if walk.looks and walk.looks[-1][0] < at:
            del state.walks[track]
        elif walk.looks[0][0] < at:
            walk.looks = [look for look in walk.looks if look[0] >= at][-_MAX_LOOKS:]
