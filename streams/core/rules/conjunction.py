"""``all: […], within_s``: every part, in any order.

An absence among the parts begins once its siblings hold; where there are only absences they begin
by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

from streams.core.rules.absence import Absence
from streams.core.rules.node import PARTIAL_LIMIT, Match, Moment, Node, choose
from streams.core.rules.states import AllPartial, AllState, NodeState, is_spent, release


@dataclass(frozen=True)
class Conjunction(Node):
    """``parts`` may come in any order; ``absences`` are waited out after them."""

    parts: tuple[Node, ...]
    absences: tuple[Absence, ...]
    within_ms: int

    @property
    def leads(self) -> bool:
        """Whether an absence stands first in a part."""
        return any(part.leads for part in self.parts)

    def begin(self, at: int | None, *, repeats: bool) -> NodeState:
        """Wait for every part."""
        return AllState([part.begin(at, repeats=repeats) for part in self.parts], [])

    def lead(self, state: NodeState, at: int | None) -> None:
        """Pass it on to every part."""
        assert isinstance(state, AllState)
        for part, child in zip(self.parts, state.children, strict=True):
            part.lead(child, at)

    def observe(self, state: NodeState, moment: Moment) -> list[Match]:
        """Add each part that holds to every partial match that lacks it."""
        assert isinstance(state, AllState)
        kept = [p for p in state.partials if moment.at < p.began_at + self.within_ms]
        matches = self._wait_out(kept, moment)
        grown: list[AllPartial] = []
        for index, part in enumerate(self.parts):
            for match in part.observe(state.children[index], moment):
                begun = AllPartial(match.began_at, {index: list(match.serials)}, {})
                joined = (self._joined(partial, index, match) for partial in kept)
                for partial in [begun, *(p for p in joined if p is not None)]:
                    if moment.at >= partial.began_at + self.within_ms:
                        continue
                    if len(partial.parts) < len(self.parts):
                        grown.append(partial)
                    elif self.absences:
                        grown.append(self._start_absences(partial, moment))
                    else:
                        matches.append(self._match(partial, moment))
        chosen = choose(matches, moment)
        live = [partial for partial in kept if self._lives(partial)] + grown
        state.partials = sorted(live, key=lambda partial: partial.began_at)[-PARTIAL_LIMIT:]
        state.evicted += len(live) - len(state.partials)
        for match in chosen:
            release(state, frozenset(match.serials), moment.serial)
        return chosen

    def _joined(self, partial: AllPartial, index: int, match: Match) -> AllPartial | None:
        if index in partial.parts or not set(partial.serials).isdisjoint(match.serials):
            return None
        parts = {**partial.parts, index: list(match.serials)}
        return AllPartial(min(partial.began_at, match.began_at), parts, {})

    def _start_absences(self, partial: AllPartial, moment: Moment) -> AllPartial:
        for index, absence in enumerate(self.absences):
            waiting = partial.absences[index] = absence.start(moment.at, repeats=False)
            for beside in moment.beside(partial.serials):
                absence.observe(waiting, beside)
        return partial

    def _wait_out(self, partials: list[AllPartial], moment: Moment) -> list[Match]:
        """Show the moment to the absences; a partial match completes with the last of them."""
        matches: list[Match] = []
        for partial in partials:
            if not partial.absences:
                continue
            for index, waiting in list(partial.absences.items()):
                if self.absences[index].observe(waiting, moment):
                    del partial.absences[index]
            if not partial.absences:
                matches.append(self._match(partial, moment))
        return matches

    def _lives(self, partial: AllPartial) -> bool:
        if len(partial.parts) < len(self.parts):
            return True
        waiting = partial.absences.values()
        return bool(waiting) and not any(is_spent(absence) for absence in waiting)

    def _match(self, partial: AllPartial, moment: Moment) -> Match:
        return Match(tuple(sorted(partial.serials)), partial.began_at, moment.at)
