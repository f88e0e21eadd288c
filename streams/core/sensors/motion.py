"""``motion``: any change of the picture, whatever a model makes of it."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from schemas.site.sensors import MotionSensor
from schemas.site.values import milliseconds
from streams.core.sensors.base import Context, Fired, Seen, Sensor, Shown
from streams.core.sensors.spell import Spell, go_on, outlasted, stand_still

_STARTED, _STOPPED = "started", "stopped"


class MotionState(msgspec.Struct, tag="motion"):
    """What was told last, and for how long the picture has moved or not."""

    spell: Spell
    told: str = _STOPPED


@dataclass(frozen=True, slots=True)
class Motion(Sensor[MotionState]):
    """Fires ``started`` once at least ``area`` of the picture has moved for ``hold_ms``.

    ``stopped`` follows once less has moved for as long. What is compared are frames sent: while the
    motion gate holds pictures back, nothing moves, from the last one sent on.
    """

    area: float
    hold_ms: int
    gap_ms: int

    @classmethod
    def compile(cls, name: str, sensor: MotionSensor, context: Context) -> Motion:
        """Read a sensor of the site's configuration."""
        return cls(sensor.area, milliseconds(sensor.for_s), context.lost_ms)

    def begin(self) -> MotionState:
        """Return the state of a picture that does not move."""
        return MotionState(Spell())

    def observe(self, state: MotionState, seen: Seen) -> list[Fired]:
        """Objects say nothing of it."""
        return []

    def forget(self, state: MotionState, track: str) -> None:
        """Tracks say nothing of it."""

    def show(self, state: MotionState, shown: Shown) -> list[Fired]:
        """Take in how much of the picture moved; the first of an epoch has nothing before it."""
        what = None
        if shown.motion is not None:
            what = _STARTED if shown.motion >= self.area else _STOPPED
        go_on(state.spell, what, shown.at, gap_ms=self.gap_ms)
        deadline = state.spell.since_at + self.hold_ms
        return self._tell(state, deadline, shown.at) if deadline <= shown.at else []

    def deadline(self, state: MotionState, still: frozenset[str]) -> int | None:
        """Return when the picture has stood still for long enough."""
        if state.spell.what in (None, state.told):
            return None
        return outlasted(state.spell, self.hold_ms)

    def due(
        self, state: MotionState, now: int, known_at: int, still: frozenset[str]
    ) -> list[Fired]:
        """Fire ``stopped`` at its deadline within a still stretch."""
        deadline = self.deadline(state, still)
        return [] if deadline is None or deadline > now else self._tell(state, deadline, known_at)

    def hold(self, state: MotionState, stretch_ms: int) -> None:
        """In a still stretch nothing moves."""
        if state.spell.what == _STARTED and state.spell.seen_at is not None:
            state.spell.what, state.spell.since_at = _STOPPED, state.spell.seen_at
        stand_still(state.spell, stretch_ms)

    def _tell(self, state: MotionState, deadline: int, known_at: int) -> list[Fired]:
        if state.spell.what is None or state.spell.what == state.told:
            return []
        state.told = state.spell.what
        return [
            Fired(
                trigger=state.told,
                track=None,
                triggered_at=deadline,
                since_at=state.spell.since_at,
                known_at=known_at,
            )
        ]
