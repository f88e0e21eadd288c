"""The shape that every part of a rule's ``when`` has, and what passes between the parts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from schemas.records import Trigger
from streams.core.rules.states import NodeState

PARTIAL_LIMIT = 256
"""Partial matches of one composition; beyond, the one that began first gives way."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A trigger that has just come, or (without one) a time that has been reached.

    ``triggers`` are the rule's, by serial, this one included. ``instant`` are the serials of all
    triggers of the same (known_at, triggered_at) so far: their order among each other says
    nothing, so a sequence may take them either way.
    """

    at: int
    serial: int | None
    triggers: Mapping[int, Trigger]
    instant: Sequence[int] = ()

    @property
    def trigger(self) -> Trigger | None:
        """The trigger itself; None for a mere time."""
        return None if self.serial is None else self.triggers[self.serial]

    def beside(self, taken: Sequence[int]) -> list[Moment]:
        """Return the other triggers of the same instant that are not ``taken`` yet."""
        return [replace(self, serial=serial) for serial in self.instant if serial not in taken]


@dataclass(frozen=True, slots=True)
class Match:
    """A part that holds: its triggers in order, and when it began and completed (known times)."""

    serials: tuple[int, ...]
    began_at: int
    completed_at: int


class Node(ABC):
    """A part of a rule's ``when``: immutable; what it remembers is in its state."""

    @property
    @abstractmethod
    def leads(self) -> bool:
        """Whether an absence stands first in it, so that it begins by itself."""

    @abstractmethod
    def begin(self, at: int | None, *, repeats: bool) -> NodeState:
        """Return a new state that begins at ``at``; None: an absence that stands first waits.

        ``repeats``: nothing stands before it, so its first absences begin again by themselves.
        """

    @abstractmethod
    def observe(self, state: NodeState, moment: Moment) -> list[Match]:
        """Take in a moment, change ``state`` in place and return the matches it completes.

        A mere time changes nothing but what has expired by then or is due exactly then.
        """

    def lead(self, state: NodeState, at: int | None) -> None:  # noqa: B027
        """Begin the absences that stand first anew at ``at``, or hold them back (None)."""


def choose(matches: Iterable[Match], moment: Moment) -> list[Match]:
    """Return which of the matches complete: a trigger completes the one that began last.

    A deadline has no trigger to use up: it completes all matches that share none with each other.
    """
    ranked = sorted(set(matches), key=_rank, reverse=True)
    if moment.serial is not None:
        return ranked[:1]
    chosen: list[Match] = []
    used: set[int] = set()
    for match in ranked:
        if used.isdisjoint(match.serials):
            chosen.append(match)
            used.update(match.serials)
    return sorted(chosen, key=lambda match: (match.began_at, match.serials))


def _rank(match: Match) -> tuple[int, bool, tuple[int, ...]]:
    # Within one instant the order of arrival is as good as any other, so it is preferred.
    return match.began_at, tuple(sorted(match.serials)) == match.serials, match.serials
