"""``zone``: objects that enter a polygon, stay and leave, and how many are inside."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import msgspec

from schemas.site.sensors import ZoneSensor
from schemas.site.values import milliseconds
from streams.core.geometry import Box, Point, bounds_of, in_polygon
from streams.core.sensors.base import Context, Fired, Seen, Sensor
from streams.core.sensors.subject import Subject


class Visit(msgspec.Struct):
    """One track's stay in the zone."""

    began_at: int
    inside_at: int
    """Time of the last inside observation."""
    anchor: Point
    """Its anchor."""
    hold_from: int | None
    """Since when all observations are inside, until entered; None: the last was outside."""
    entered: bool = False
    dwelled: bool = False
    outside: bool = False
    """An outside observation followed the last inside one."""
    ended: bool = False
    """The track has ended."""


class ZoneState(msgspec.Struct, tag="zone"):
    """Visits by track, each until it has left, and the number of those entered."""

    visits: dict[str, Visit]
    inside: int = 0
    changed_at: int = 0
    """Time of the last change of ``inside``."""
    full_from: int | None = None
    """Since when ``inside`` is at its limit."""
    occupied: bool = False


@dataclass(frozen=True, slots=True)
class Zone(Sensor[ZoneState]):
    """Fires ``entered``, ``left``, ``dwelled``, ``occupied``, ``vacated``.

    An observation inside the polygon at which the object does not fit the sensor's filters is
    an outside one. Times in ms.
    """

    points: tuple[Point, ...]
    bounds: Box
    """Nothing outside of it is inside the polygon."""
    enter_after: int
    leave_after: int
    lost: int
    """After this long unseen a track has ended."""
    dwell: int | None
    full: int | None
    """Number inside at which the zone is occupied."""
    full_for: int
    subject: Subject

    @classmethod
    def compile(cls, name: str, sensor: ZoneSensor, context: Context) -> Zone:
        """Read a sensor of the site's configuration."""
        occupancy = sensor.occupancy
        return cls(
            points=tuple(sensor.points),
            bounds=bounds_of(sensor.points),
            enter_after=milliseconds(sensor.enter_after_s),
            leave_after=milliseconds(sensor.leave_after_s),
            lost=context.lost_ms,
            dwell=None if sensor.dwell_s is None else milliseconds(sensor.dwell_s),
            full=occupancy.min if occupancy else None,
            full_for=milliseconds(occupancy.for_s) if occupancy else 0,
            subject=Subject.compile(name, sensor, context),
        )

    def begin(self) -> ZoneState:
        """Return the state of an empty zone."""
        return ZoneState(visits={})

    def observe(self, state: ZoneState, seen: Seen) -> list[Fired]:
        """Begin, continue or end a visit, and decide its holds."""
        fired: list[Fired] = []
        visit = state.visits.get(seen.track)
        if visit is not None and visit.outside and seen.at >= visit.inside_at + self.leave_after:
            fired += self._leave(state, seen.track, visit, seen.known_at)
            visit = None
        x, y = place = self.subject.place(seen)
        left, top, right, bottom = self.bounds
        near = left <= x <= right and top <= y <= bottom
        if not (near and in_polygon(self.points, place) and self.subject.fits(seen)):
            if visit is not None:
                visit.outside, visit.hold_from = True, None
                if seen.at >= visit.inside_at + self.leave_after:
                    fired += self._leave(state, seen.track, visit, seen.known_at)
            return fired
        if visit is None:
            visit = Visit(seen.at, seen.at, place, seen.at)
            state.visits[seen.track] = visit
        elif visit.hold_from is None:
            visit.hold_from = seen.at
        visit.inside_at, visit.anchor, visit.outside = seen.at, place, False
        return fired + self._decide(state, seen.track, visit, seen.at, seen.known_at)

    def forget(self, state: ZoneState, track: str) -> None:
        """End the track; a visit that was entered is left when its time comes."""
        visit = state.visits.get(track)
        if visit is not None:
            visit.ended = True
            if not visit.entered:
                del state.visits[track]

    def deadline(self, state: ZoneState, still: frozenset[str]) -> int | None:
        """Return when the next visit ends or hold is over."""
        times: list[int] = []
        for track, visit in state.visits.items():
            if visit.outside or visit.ended or track in still:
                times += self._times(visit, track in still)
        if state.full_from is not None and not state.occupied:
            times.append(state.full_from + self.full_for)
        return min(times, default=None)

    def due(self, state: ZoneState, now: int, known_at: int, still: frozenset[str]) -> list[Fired]:
        """Decide holds of what stands still, fire ``occupied``, end visits; in this order."""
        fired: list[Fired] = []
        for track, visit in state.visits.items():
            if track in still and not visit.outside:
                fired += self._decide(state, track, visit, now, known_at)
        fired += self._fill(state, now, known_at)
        for track, visit in list(state.visits.items()):
            leaves_at = self._leaves_at(visit)
            if leaves_at is not None and leaves_at <= now:
                fired += self._leave(state, track, visit, known_at)
        return fired

    def hold(self, state: ZoneState, stretch_ms: int) -> None:
        """Count what was inside at last as seen inside all through a still stretch."""
        for visit in state.visits.values():
            if not visit.outside and not visit.ended:
                visit.inside_at += stretch_ms

    def held(self, state: ZoneState) -> Collection[str]:
        """Return the tracks with a visit."""
        return state.visits.keys()

    def _leaves_at(self, visit: Visit) -> int | None:
        if visit.outside:
            return visit.inside_at + self.leave_after
        if visit.ended:
            return visit.inside_at + max(self.leave_after, self.lost)
        return None

    def _times(self, visit: Visit, still: bool) -> list[int]:
        leaves_at = self._leaves_at(visit)
        if leaves_at is not None:
            return [leaves_at]
        times: list[int] = []
        if still and not visit.entered and visit.hold_from is not None:
            times.append(visit.hold_from + self.enter_after)
        if still and not visit.dwelled and self.dwell is not None:
            times.append(visit.began_at + self.dwell)
        return times

    def _decide(
        self, state: ZoneState, track: str, visit: Visit, until: int, known_at: int
    ) -> list[Fired]:
        """Fire the holds whose deadline an inside observation at ``until`` has reached."""
        fired: list[Fired] = []
        if visit.entered and (visit.dwelled or self.dwell is None):
            return fired
        hold_from = visit.hold_from
        if not visit.entered and hold_from is not None and hold_from + self.enter_after <= until:
            visit.entered = True
            entered_at = hold_from + self.enter_after
            state.inside += 1
            fired.append(
                Fired(
                    trigger="entered",
                    track=track,
                    triggered_at=entered_at,
                    since_at=hold_from,
                    known_at=known_at,
                    anchor=visit.anchor,
                    inside=state.inside,
                )
            )
            state.changed_at = max(state.changed_at, entered_at)
            if self.full is not None and state.inside == self.full:
                state.full_from = state.changed_at
                fired += self._fill(state, known_at, known_at)
        if self.dwell is not None and not visit.dwelled and visit.began_at + self.dwell <= until:
            visit.dwelled = True
            fired.append(
                Fired(
                    trigger="dwelled",
                    track=track,
                    triggered_at=visit.began_at + self.dwell,
                    since_at=visit.began_at,
                    known_at=known_at,
                    anchor=visit.anchor,
                )
            )
        return fired

    def _fill(self, state: ZoneState, now: int, known_at: int) -> list[Fired]:
        full_from = state.full_from
        if state.occupied or full_from is None or full_from + self.full_for > now:
            return []
        state.occupied = True
        return [
            Fired(
                trigger="occupied",
                track=None,
                triggered_at=full_from + self.full_for,
                since_at=full_from,
                known_at=known_at,
                count=state.inside,
            )
        ]

    def _leave(self, state: ZoneState, track: str, visit: Visit, known_at: int) -> list[Fired]:
        left_at = self._leaves_at(visit)
        del state.visits[track]
        if not visit.entered or left_at is None:
            return []
        state.inside -= 1
        state.changed_at = max(state.changed_at, left_at)
        fired = [
            Fired(
                trigger="left",
                track=track,
                triggered_at=left_at,
                since_at=visit.inside_at,
                known_at=known_at,
                anchor=visit.anchor,
                inside=state.inside,
                visit_ms=visit.inside_at - visit.began_at,
            )
        ]
        if self.full is not None and state.inside < self.full:
            state.full_from = None
            if state.occupied:
                state.occupied = False
                fired.append(
                    Fired(
                        trigger="vacated",
                        track=None,
                        triggered_at=left_at,
                        since_at=left_at,
                        known_at=known_at,
                        count=state.inside,
                    )
                )
        return fired
