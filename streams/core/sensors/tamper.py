"""``tamper``: a camera that is covered, out of focus, turned away, or shows one picture for ever."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from schemas.records import View
from schemas.site.sensors import TamperSensor
from schemas.site.values import milliseconds
from streams.core.sensors.appearance import CELLS, Baseline, appearance, learned
from streams.core.sensors.base import Context, Fired, Seen, Sensor, Shown
from streams.core.sensors.spell import Spell, go_on, outlasted, stand_still

_FINE, _FROZEN, _MOVED = "fine", "frozen", "moved"
_VIEW_LOST = frozenset({"covered", _MOVED})
"""A hand that comes over the lens looks like one, then like the other."""
_STILL_FROZEN_MS = 1000
"""A repeated picture that was disturbed is believed again after this, longer than noise repeats."""
_ADOPT_MS = 3_600_000
"""What a camera has looked at for so long, turned as it is, is its view from then on."""


class TamperState(msgspec.Struct, tag="tamper"):
    """The view as it was learned, what the frames agree on, and what was told last."""

    spell: Spell
    baseline: Baseline | None = None
    told: str = _FINE


@dataclass(frozen=True, slots=True)
class Tamper(Sensor[TamperState]):
    """Fires what is wrong once it has been so for ``hold_ms``, and ``restored`` once nothing has.

    A picture of which nothing is left is ``covered``: whether by a cloth or by the dark of a closed
    room cannot be told. ``frozen`` is a picture that a camera repeats exactly, as capture found it;
    pictures that the motion gate holds back are compared all the same, and do not count by
    themselves. A turned camera's new view is learned after an hour, which counts as restored.
    """

    hold_ms: int
    gap_ms: int

    @classmethod
    def compile(cls, name: str, sensor: TamperSensor, context: Context) -> Tamper:
        """Read a sensor of the site's configuration."""
        return cls(milliseconds(sensor.for_s), context.lost_ms)

    def begin(self) -> TamperState:
        """Return the state of a camera whose view is not known."""
        return TamperState(Spell())

    def observe(self, state: TamperState, seen: Seen) -> list[Fired]:
        """Objects say nothing of it."""
        return []

    def forget(self, state: TamperState, track: str) -> None:
        """Tracks say nothing of it."""

    def show(self, state: TamperState, shown: Shown) -> list[Fired]:
        """Compare the picture with the view that was learned, and learn from it if it is fine."""
        view = shown.view
        if view is None or len(view.structure) != CELLS:
            go_on(state.spell, None, shown.at, gap_ms=self.gap_ms)
            return []
        what = self._what(state, view)
        alike = () if state.told in _VIEW_LOST else _VIEW_LOST
        go_on(state.spell, what, shown.at, gap_ms=self.gap_ms, alike=alike)
        if what == _FROZEN:
            state.spell.since_at = shown.at - view.unchanged_ms
        if what == _MOVED and shown.at - state.spell.since_at >= max(_ADOPT_MS, self.hold_ms):
            state.baseline = None
        if what == _FINE or state.baseline is None:
            state.baseline = learned(state.baseline, view, shown.at)
        deadline = state.spell.since_at + self.hold_ms
        return self._tell(state, deadline, shown.at) if deadline <= shown.at else []

    def deadline(self, state: TamperState, still: frozenset[str]) -> int | None:
        """Return when a still picture has shown for long enough what it shows."""
        if state.spell.what in (None, state.told):
            return None
        return outlasted(state.spell, self.hold_ms)

    def due(
        self, state: TamperState, now: int, known_at: int, still: frozenset[str]
    ) -> list[Fired]:
        """Fire at a deadline within a still stretch."""
        deadline = self.deadline(state, still)
        return [] if deadline is None or deadline > now else self._tell(state, deadline, known_at)

    def hold(self, state: TamperState, stretch_ms: int) -> None:
        """A still stretch shows what its last frame showed."""
        stand_still(state.spell, stretch_ms)

    def _what(self, state: TamperState, view: View) -> str:
        seems = appearance(view, state.baseline)
        least_ms = _STILL_FROZEN_MS if state.told == _FROZEN else self.hold_ms
        repeats = view.unchanged_ms > 0 and view.unchanged_ms >= least_ms
        return _FROZEN if repeats and seems != "covered" else seems

    def _tell(self, state: TamperState, deadline: int, known_at: int) -> list[Fired]:
        what = state.spell.what
        if what is None or what == state.told:
            return []
        state.told = what
        return [
            Fired(
                trigger="restored" if what == _FINE else what,
                track=None,
                triggered_at=deadline,
                since_at=state.spell.since_at,
                known_at=known_at,
            )
        ]
