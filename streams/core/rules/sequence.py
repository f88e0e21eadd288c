"""``sequence: […], within_s, same_track?``: the parts in order.

Every trigger that fits the first part begins a partial match, and a partial match is kept when one
that goes further is made of it: a later trigger may be the one that the rest fits. Triggers of one
instant, (known_at, triggered_at), follow each other in either order.
"""

from __future__ import annotations

from collections.abc import Sequence as Serials
from dataclasses import dataclass, field

from streams.core.rules.node import PARTIAL_LIMIT, Match, Moment, Node, choose
from streams.core.rules.states import (
    NodeState,
    SequencePartial,
    SequenceState,
    is_spent,
    release,
)


@dataclass(slots=True)
class _Found:
    partials: list[SequencePartial] = field(default_factory=list)
    matches: list[Match] = field(default_factory=list)

    @property
    def full(self) -> bool:
        return len(self.partials) + len(self.matches) > PARTIAL_LIMIT


@dataclass(frozen=True)
class Sequence(Node):
    """``same_track``: True all the same, False all different, None indifferent."""

    parts: tuple[Node, ...]
    within_ms: int
    same_track: bool | None

    @property
    def leads(self) -> bool:
        """Whether an absence stands first."""
        return self.parts[0].leads

    def begin(self, at: int | None, *, repeats: bool) -> NodeState:
        """Wait for the first part."""
        return SequenceState(self.parts[0].begin(at, repeats=repeats), [])

    def lead(self, state: NodeState, at: int | None) -> None:
        """Pass it on to the first part."""
        assert isinstance(state, SequenceState)
        self.parts[0].lead(state.first, at)

    def observe(self, state: NodeState, moment: Moment) -> list[Match]:
        """Carry every partial match on, begin new ones, and complete the one that began last."""
        assert isinstance(state, SequenceState)
        found = _Found()
        kept = [
            partial for partial in state.partials if moment.at < partial.began_at + self.within_ms
        ]
        for partial in kept:
            self._carry_on(partial, moment, found)
        for match in self.parts[0].observe(state.first, moment):
            if self._tracks_agree(match.serials, moment):
                self._reach(match.serials, match.began_at, 1, moment, found)
        chosen = choose(found.matches, moment)
        live = [p for p in kept if not is_spent(p.child)]
        live += [p for p in found.partials if not is_spent(p.child)]
        state.partials = sorted(live, key=lambda partial: partial.began_at)[-PARTIAL_LIMIT:]
        state.evicted += len(live) - len(state.partials)
        for match in chosen:
            release(state, frozenset(match.serials), moment.serial)
        return chosen

    def _carry_on(self, partial: SequencePartial, moment: Moment, found: _Found) -> None:
        if not self._admits(partial.serials, moment):
            return
        for match in self.parts[partial.stage].observe(partial.child, moment):
            serials = (*partial.serials, *match.serials)
            if self._tracks_agree(serials, moment):
                self._reach(serials, partial.began_at, partial.stage + 1, moment, found)

    def _reach(
        self, serials: tuple[int, ...], began_at: int, stage: int, moment: Moment, found: _Found
    ) -> None:
        if moment.at >= began_at + self.within_ms or found.full:
            return
        if stage == len(self.parts):
            found.matches.append(Match(serials, began_at, moment.at))
            return
        child = self.parts[stage].begin(moment.at, repeats=False)
        partial = SequencePartial(began_at, stage, list(serials), child)
        found.partials.append(partial)
        for beside in moment.beside(serials):
            self._carry_on(partial, beside, found)

    def _admits(self, serials: Serials[int], moment: Moment) -> bool:
        """Tell whether a trigger of this track could go on with these; a mere time always can."""
        trigger = moment.trigger
        if moment.serial in serials:
            return False
        if trigger is None or self.same_track is None or not serials:
            return True
        tracks = [moment.triggers[serial].track for serial in serials]
        if self.same_track:
            return trigger.track == tracks[0]
        return trigger.track is None or trigger.track not in tracks

    def _tracks_agree(self, serials: Serials[int], moment: Moment) -> bool:
        tracks = [moment.triggers[serial].track for serial in serials]
        if self.same_track is None or not tracks:
            return True
        if self.same_track:
            return len(set(tracks)) == 1
        named = [track for track in tracks if track is not None]
        return len(set(named)) == len(named)
