"""``absent: …, for_s``: nothing of the kind in ``[start, start + for_s)``."""

from __future__ import annotations

from dataclasses import dataclass

from streams.core.rules.node import Match, Moment, Node
from streams.core.rules.states import AbsenceState, NodeState


@dataclass(frozen=True)
class Absence(Node):
    """It completes by time alone; what comes exactly at the deadline is too late to break it."""

    awaited: Node
    for_ms: int

    @property
    def leads(self) -> bool:
        """It begins by itself where nothing stands before it."""
        return True

    def begin(self, at: int | None, *, repeats: bool) -> NodeState:
        """Start waiting at ``at``."""
        return self.start(at, repeats=repeats)

    def start(self, at: int | None, *, repeats: bool) -> AbsenceState:
        """Start waiting at ``at``; None: not yet."""
        deadline_at = None if at is None else at + self.for_ms
        return AbsenceState(at, deadline_at, repeats, self.awaited.begin(at, repeats=False))

    def observe(self, state: NodeState, moment: Moment) -> list[Match]:
        """Complete at the deadline; break, or begin again, at what it waits for."""
        assert isinstance(state, AbsenceState)
        if state.started_at is None or state.deadline_at is None:
            return []
        if moment.at < state.deadline_at:
            if self.awaited.observe(state.awaited, moment):
                self._restart(state, moment.at)
            return []
        # Deadlines are served before any trigger; one that was not lies after the end of input.
        if moment.serial is not None:
            return []
        match = Match((), state.started_at, state.deadline_at)
        self._restart(state, state.deadline_at)
        return [match]

    def lead(self, state: NodeState, at: int | None) -> None:
        """Begin anew at ``at`` where nothing stands before it."""
        assert isinstance(state, AbsenceState)
        if state.repeats:
            self._restart(state, at)

    def _restart(self, state: AbsenceState, at: int | None) -> None:
        fresh = self.start(at if state.repeats else None, repeats=state.repeats)
        state.started_at, state.deadline_at = fresh.started_at, fresh.deadline_at
        state.awaited = fresh.awaited
