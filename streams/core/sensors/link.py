"""``link``: a camera from which no frame comes."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from schemas.site.sensors import LinkSensor
from schemas.site.values import milliseconds
from streams.core.sensors.base import Context, Fired, Seen, Sensor


class LinkState(msgspec.Struct, tag="link"):
    """When the camera was last there; None before its first record."""

    alive_at: int | None = None
    offline: bool = False


@dataclass(frozen=True, slots=True)
class Link(Sensor[LinkState]):
    """Fires ``offline`` once no frame has come for ``away_ms``, and ``online`` with the next."""

    away_ms: int

    @classmethod
    def compile(cls, name: str, sensor: LinkSensor, context: Context) -> Link:
        """Read a sensor of the site's configuration."""
        return cls(milliseconds(sensor.for_s))

    def begin(self) -> LinkState:
        """Return the state of a camera of which nothing has come."""
        return LinkState()

    def observe(self, state: LinkState, seen: Seen) -> list[Fired]:
        """Objects say nothing of the link."""
        return []

    def forget(self, state: LinkState, track: str) -> None:
        """Tracks say nothing of the link."""

    def hear(self, state: LinkState, at: int, alive: bool) -> list[Fired]:
        """Take in a frame, or a beat that says that frames come or not."""
        if not alive:
            # Of a camera that was never seen the clock begins with its first beat.
            state.alive_at = at if state.alive_at is None else state.alive_at
            return []
        state.alive_at = at
        if not state.offline:
            return []
        state.offline = False
        return [_fired("online", at, at, at)]

    def deadline(self, state: LinkState, still: frozenset[str]) -> int | None:
        """Return when the camera counts as offline."""
        if state.alive_at is None or state.offline:
            return None
        return state.alive_at + self.away_ms

    def due(self, state: LinkState, now: int, known_at: int, still: frozenset[str]) -> list[Fired]:
        """Fire ``offline`` at its deadline."""
        deadline = self.deadline(state, still)
        if deadline is None or deadline > now or state.alive_at is None:
            return []
        state.offline = True
        return [_fired("offline", deadline, state.alive_at, known_at)]

    def hold(self, state: LinkState, stretch_ms: int) -> None:
        """A still stretch is not absence."""
        if state.alive_at is not None:
            state.alive_at += stretch_ms


def _fired(trigger: str, at: int, since_at: int, known_at: int) -> Fired:
    return Fired(trigger=trigger, track=None, triggered_at=at, since_at=since_at, known_at=known_at)
