"""``any: […]``: one of the parts is enough."""

from __future__ import annotations

from dataclasses import dataclass

from streams.core.rules.node import Match, Moment, Node, choose
from streams.core.rules.states import AnyState, NodeState, release


@dataclass(frozen=True)
class Alternatives(Node):
    """Holds when a part holds; a trigger that completes several parts makes one match."""

    parts: tuple[Node, ...]

    @property
    def leads(self) -> bool:
        """Whether an absence is among the parts, or stands first in one."""
        return any(part.leads for part in self.parts)

    def begin(self, at: int | None, *, repeats: bool) -> NodeState:
        """Begin every part."""
        return AnyState([part.begin(at, repeats=repeats) for part in self.parts])

    def observe(self, state: NodeState, moment: Moment) -> list[Match]:
        """Show the moment to every part."""
        assert isinstance(state, AnyState)
        found: list[Match] = []
        for part, child in zip(self.parts, state.children, strict=True):
            found += part.observe(child, moment)
        chosen = choose(found, moment)
        for match in chosen:
            release(state, frozenset(match.serials), moment.serial)
        return chosen

    def lead(self, state: NodeState, at: int | None) -> None:
        """Pass it on to every part."""
        assert isinstance(state, AnyState)
        for part, child in zip(self.parts, state.children, strict=True):
            part.lead(child, at)
