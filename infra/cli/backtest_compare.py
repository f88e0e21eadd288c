"""What was raised beside what would have been: added, gone, same."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from schemas.records import Event

Fate = Literal["added", "gone", "same"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """One event as far as it went; times in UTC ms."""

    event_id: str
    rule: str
    camera: str
    severity: str
    mode: str
    class_name: str | None
    score: float
    opened_at: int
    ended_at: int
    """When it closed, or the last that is known of it."""
    triggers: int
    candidates: tuple[dict[str, Any], ...]
    """Its provenance, as ``events explain`` tells it."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One event of one side, or of both."""

    fate: Fate
    before: Raised | None
    after: Raised | None
    within: str | None = None
    """Id of an event of the other side, paired with another, that this one falls into."""

    @property
    def event(self) -> Raised:
        """The event as it would be, or as it was where it is gone."""
        found = self.after or self.before
        assert found is not None
        return found


def gather(changes: Iterable[Event], start: int, until: int) -> list[Raised]:
    """Return the events opened in ``[start, until)`` as their last change tells them, by time."""
    newest: dict[str, Event] = {}
    for change in changes:
        known = newest.get(change.event_id)
        if known is None or change.revision >= known.revision:
            newest[change.event_id] = change
    found = [_raised(event) for event in newest.values() if start <= event.opened_at < until]
    return sorted(found, key=lambda raised: (raised.opened_at, raised.event_id))


def compare(before: Sequence[Raised], after: Sequence[Raised]) -> list[Compared]:
    """Pair the events of both sides, by time.

    Equal ids are the same event. Of the rest, those of one rule and camera that overlap in time are
    paired, the longest overlap first, then the nearest openings.
    """
    left, right = ({raised.event_id: raised for raised in side} for side in (before, after))
    pairs = [(left.pop(name), right.pop(name)) for name in list(left) if name in right]
    near = sorted(
        (
            (-_overlap_ms(one, other), abs(one.opened_at - other.opened_at), one, other)
            for one in left.values()
            for other in right.values()
            if _may_be_one(one, other)
        ),
        key=lambda found: (found[0], found[1], found[2].event_id, found[3].event_id),
    )
    for _, _, one, other in near:
        if one.event_id in left and other.event_id in right:
            pairs.append((left.pop(one.event_id), right.pop(other.event_id)))
    found = [Compared("same", one, other) for one, other in pairs]
    found += [Compared("gone", one, None, _around(one, after)) for one in left.values()]
    found += [Compared("added", None, one, _around(one, before)) for one in right.values()]
    return sorted(found, key=lambda item: (item.event.opened_at, item.event.event_id))


def counts(found: Iterable[Compared]) -> dict[Fate, int]:
    """Return how many events there are of each fate."""
    fates: dict[Fate, int] = {"added": 0, "gone": 0, "same": 0}
    for item in found:
        fates[item.fate] += 1
    return fates


def _around(one: Raised, others: Iterable[Raised]) -> str | None:
    near = [other for other in others if _may_be_one(one, other)]
    widest = max(near, key=lambda other: (_overlap_ms(one, other), other.event_id), default=None)
    return None if widest is None else widest.event_id


def _may_be_one(one: Raised, other: Raised) -> bool:
    return (one.rule, one.camera) == (other.rule, other.camera) and _overlap_ms(one, other) >= 0


def _overlap_ms(one: Raised, other: Raised) -> int:
    return min(one.ended_at, other.ended_at) - max(one.opened_at, other.opened_at)


def _raised(event: Event) -> Raised:
    ended_at = event.at if event.closed_at is None else event.closed_at
    return Raised(
        event_id=event.event_id,
        rule=event.rule,
        camera=event.camera,
        severity=event.severity,
        mode=event.mode,
        class_name=event.class_name,
        score=event.score,
        opened_at=event.opened_at,
        ended_at=max(ended_at, event.opened_at),
        triggers=event.triggers,
        candidates=tuple(json.loads(event.provenance) or ()),
    )
