"""What a rule remembers between triggers: plain structs that msgpack writes and reads exactly.

Triggers are kept once per rule, under a serial number that grows in the order in which they were
seen; partial matches hold serial numbers only.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from schemas.records import Trigger


class TermState(Struct, tag="term"):
    """A single trigger needs no memory."""


class AbsenceState(Struct, tag="absence"):
    """An absence that is being waited out, or one that is not (``deadline_at`` is None)."""

    started_at: int | None
    deadline_at: int | None
    repeats: bool
    """True where nothing stands before it: it then begins again by itself."""
    awaited: NodeState


class SequencePartial(Struct):
    """The first ``stage`` parts of a sequence have come; ``child`` waits for the next."""

    began_at: int
    stage: int
    serials: list[int]
    child: NodeState


class SequenceState(Struct, tag="sequence"):
    """What waits for the first part, and the partial matches that wait for a later one."""

    first: NodeState
    partials: list[SequencePartial]
    evicted: int = 0
    """Partial matches given up because there were too many."""


class AllPartial(Struct):
    """Some parts have come, by index; once all have, the absences beside them are waited out."""

    began_at: int
    parts: dict[int, list[int]]
    absences: dict[int, AbsenceState]
    """Those still to complete, by index."""

    @property
    def serials(self) -> list[int]:
        """All triggers so far."""
        return [serial for part in self.parts.values() for serial in part]


class AllState(Struct, tag="all"):
    """One state for each part, and the partial matches."""

    children: list[NodeState]
    partials: list[AllPartial]
    evicted: int = 0
    """Partial matches given up because there were too many."""


class AnyState(Struct, tag="any"):
    """One state for each alternative."""

    children: list[NodeState]


NodeState = TermState | AbsenceState | SequenceState | AllState | AnyState


class Counted(Struct):
    """One match of ``when`` that counts towards ``count``."""

    known_at: int
    serials: list[int]


class RuleState(Struct):
    """All that one rule remembers."""

    digest: str
    """Of the rule's definition; the state of another definition is discarded."""
    root: NodeState
    triggers: dict[int, Trigger] = {}
    next_serial: int = 0
    instant: list[int] = []
    """Serials of the last triggers that share one (known_at, triggered_at) and are not used up."""
    counted: dict[str, list[Counted]] = {}
    """By group key."""
    next_start_at: int | None = None
    """When the schedule next begins to hold; only where an absence stands first."""


def children_of(state: NodeState) -> Iterator[NodeState]:
    """Yield the states right below ``state``, those of its partial matches included."""
    match state:
        case AbsenceState():
            if state.deadline_at is not None:
                yield state.awaited
        case SequenceState():
            yield state.first
            for sequence_partial in state.partials:
                yield sequence_partial.child
        case AllState():
            yield from state.children
            for all_partial in state.partials:
                yield from all_partial.absences.values()
        case AnyState():
            yield from state.children
        case TermState():
            pass


def _composed(state: NodeState) -> list[NodeState]:
    """Return the states right below that are more than single triggers, which most are."""
    if isinstance(state, SequenceState):
        below = [state.first, *[partial.child for partial in state.partials]]
    else:
        below = list(children_of(state))
    return [child for child in below if not isinstance(child, TermState)]


def next_deadline(state: NodeState) -> int | None:
    """Return the earliest time, UTC ms, at which an absence below completes."""
    if isinstance(state, TermState):
        return None
    deadlines = [found for child in _composed(state) if (found := next_deadline(child))]
    if isinstance(state, AbsenceState) and state.deadline_at is not None:
        deadlines.append(state.deadline_at)
    return min(deadlines, default=None)


def is_idle(state: NodeState) -> bool:
    """Tell whether nothing has begun in it, so that the passing of time means nothing to it."""
    match state:
        case TermState():
            return True
        case SequenceState():
            return not state.partials and is_idle(state.first)
        case AllState():
            return not state.partials and all(is_idle(child) for child in state.children)
        case AnyState():
            return all(is_idle(child) for child in state.children)
        case AbsenceState():
            return False


def is_spent(state: NodeState) -> bool:
    """Tell whether nothing can complete any more: a broken absence, or only such."""
    match state:
        case AbsenceState():
            return state.deadline_at is None and not state.repeats
        case AnyState():
            return all(is_spent(child) for child in state.children)
        case _:
            return False


def release(state: NodeState, used: frozenset[int], last: int | None) -> None:
    """Drop every partial match below that shares a trigger with a complete one.

    ``last``, the trigger that completed it, may begin the next: a partial match at its first part
    that shares nothing but that one stays.
    """
    match state:
        case SequenceState():
            state.partials = [
                partial
                for partial in state.partials
                if _may_stay(partial.serials, partial.stage == 1, used, last)
            ]
        case AllState():
            state.partials = [
                partial
                for partial in state.partials
                if _may_stay(partial.serials, len(partial.parts) == 1, used, last)
            ]
        case _:
            pass
    for child in children_of(state):
        release(child, used, last)


def serials_of(state: NodeState) -> Iterator[int]:
    """Yield the serials that partial matches below refer to; some more than once."""
    match state:
        case SequenceState():
            for sequence_partial in state.partials:
                yield from sequence_partial.serials
        case AllState():
            for all_partial in state.partials:
                yield from all_partial.serials
        case _:
            pass
    for child in _composed(state):
        yield from serials_of(child)


def evicted_below(state: NodeState) -> int:
    """Return how many partial matches were given up because there were too many."""
    own = state.evicted if isinstance(state, SequenceState | AllState) else 0
    return own + sum(evicted_below(child) for child in children_of(state))


def _may_stay(
    serials: list[int], is_beginning: bool, used: frozenset[int], last: int | None
) -> bool:
    shared = used.intersection(serials)
    return not shared or (is_beginning and shared == {last})
