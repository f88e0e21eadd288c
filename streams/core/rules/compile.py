"""From the configuration's ``when`` to the immutable parts that decide it."""

from __future__ import annotations

from collections.abc import Sequence as Several

from schemas.site.values import milliseconds
from schemas.site.when import Absent, AllOf, AnyOf, TriggerTerm, When
from schemas.site.when import Sequence as SequenceOf
from streams.core.rules.absence import Absence
from streams.core.rules.alternatives import Alternatives
from streams.core.rules.conjunction import Conjunction
from streams.core.rules.node import Node
from streams.core.rules.sequence import Sequence
from streams.core.rules.term import Term


def compile_when(when: When) -> Node:
    """Return the part that decides ``when``."""
    match when:
        case TriggerTerm():
            return Term(when.sensor, when.trigger, when.direction, when.classes)
        case SequenceOf():
            within_ms = milliseconds(when.within_s)
            return Sequence(_compile_all(when.sequence), within_ms, when.same_track)
        case AllOf():
            return _conjunction(_compile_all(when.all), milliseconds(when.within_s))
        case AnyOf():
            return Alternatives(_compile_all(when.any))
        case Absent():
            return Absence(compile_when(when.absent), milliseconds(when.for_s))


def span_ms(when: When) -> int:
    """Return how long at most passes from a match's first trigger to its last, in milliseconds."""
    match when:
        case TriggerTerm() | Absent():
            return 0
        case SequenceOf() | AllOf():
            return milliseconds(when.within_s)
        case AnyOf():
            return max(span_ms(part) for part in when.any)


def _compile_all(several: Several[When]) -> tuple[Node, ...]:
    return tuple(compile_when(when) for when in several)


def _conjunction(parts: tuple[Node, ...], within_ms: int) -> Conjunction:
    absences = tuple(part for part in parts if isinstance(part, Absence))
    siblings = tuple(part for part in parts if not isinstance(part, Absence))
    if not siblings:
        return Conjunction(parts, (), within_ms)
    return Conjunction(siblings, absences, within_ms)
