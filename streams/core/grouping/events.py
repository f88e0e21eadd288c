"""One event's life: opened by the first accepted candidate, updated by others, closed by time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from msgspec import Struct

from schemas.ids import event_id
from schemas.records import Decision, Event
from streams.core.checks.judge import tracks_of
from streams.core.grouping.key import GroupBy
from streams.core.grouping.provenance import compact, decision_json, model_of

TRACK_LIMIT = 100
"""Tracks that an event names, the first ones."""
PROVENANCE_LIMIT = 20
"""Candidates that an event tells of: the first, and the last ones."""


@dataclass(frozen=True)
class RuleGrouping:
    """How one rule's candidates become events; durations in milliseconds."""

    by: GroupBy
    within_ms: int
    cooldown_ms: int
    severity: str
    mode: str


class OpenEvent(Struct):
    """An event between its opening and its closing."""

    event_id: str
    rule: str
    camera: str
    sensor: str
    group_key: str
    class_name: str | None
    opened_at: int
    last_at: int
    """When its last candidate was accepted."""
    within_ms: int
    cooldown_ms: int
    severity: str
    mode: str
    revision: int
    triggers: int
    tracks: list[str]
    score: float
    config_version: int
    model: str
    model_version: str
    provenance: list[str]
    """JSON text of each candidate told."""
    candidates: int = 1
    """Accepted so far."""
    dismissed: list[str] = []
    """Candidates of it that operators have dismissed, the last ones."""

    @property
    def deadline_at(self) -> int:
        """When it closes unless another candidate is accepted before, UTC ms."""
        return self.last_at + self.within_ms

    @property
    def verdict(self) -> Literal["accepted", "suppressed"]:
        """Suppressed once operators have dismissed every one of its candidates."""
        return "suppressed" if len(self.dismissed) >= self.candidates else "accepted"


def open_event(decision: Decision, group_key: str, grouping: RuleGrouping) -> OpenEvent:
    """Return the event that an accepted candidate opens."""
    candidate = decision.candidate
    model, model_version = model_of(candidate)
    return OpenEvent(
        event_id=event_id(candidate.site, candidate.rule, group_key, candidate.candidate_id),
        rule=candidate.rule,
        camera=candidate.camera,
        sensor=candidate.sensor,
        group_key=group_key,
        class_name=candidate.class_name,
        opened_at=candidate.matched_at,
        last_at=decision.decided_at,
        within_ms=grouping.within_ms,
        cooldown_ms=grouping.cooldown_ms,
        severity=grouping.severity,
        mode=grouping.mode,
        revision=1,
        triggers=len(candidate.triggers),
        tracks=list(tracks_of(candidate)[:TRACK_LIMIT]),
        score=decision.score,
        config_version=candidate.config_version,
        model=model,
        model_version=model_version,
        provenance=[decision_json(decision, grouping.severity)],
    )


def add(event: OpenEvent, decision: Decision, grouping: RuleGrouping) -> None:
    """Add an accepted candidate to an open event, in place."""
    candidate = decision.candidate
    event.last_at = decision.decided_at
    event.within_ms, event.cooldown_ms = grouping.within_ms, grouping.cooldown_ms
    event.severity = grouping.severity
    event.revision += 1
    event.candidates += 1
    event.triggers += len(candidate.triggers)
    event.tracks = list(dict.fromkeys([*event.tracks, *tracks_of(candidate)]))[:TRACK_LIMIT]
    event.score = max(event.score, decision.score)
    event.config_version = candidate.config_version
    event.model, event.model_version = model_of(candidate)
    event.provenance.append(decision_json(decision, grouping.severity))
    if len(event.provenance) > PROVENANCE_LIMIT:
        del event.provenance[1]


def revise(event: OpenEvent, candidate: str, dismissed: bool) -> bool:
    """Note an operator's word on one of its candidates; tell whether the event changes by it."""
    before = event.verdict
    event.dismissed = [one for one in event.dismissed if one != candidate]
    if dismissed:
        event.dismissed = [*event.dismissed, candidate][-TRACK_LIMIT:]
    if event.verdict == before:
        return False
    event.revision += 1
    return True


def record(
    event: OpenEvent,
    site: str,
    state: Literal["opened", "updated", "closed"],
    at: int,
) -> Event:
    """Return the record of a change at ``at``, UTC ms; ``closed_at`` is ``at`` of the closing."""
    return Event(
        event_id=event.event_id,
        site=site,
        rule=event.rule,
        camera=event.camera,
        sensor=event.sensor,
        state=state,
        revision=event.revision,
        severity=event.severity,
        mode=event.mode,
        group_key=event.group_key,
        at=at,
        opened_at=event.opened_at,
        closed_at=at if state == "closed" else None,
        triggers=event.triggers,
        tracks=compact(event.tracks),
        class_name=event.class_name,
        score=event.score,
        verdict=event.verdict,
        config_version=event.config_version,
        model=event.model,
        model_version=event.model_version,
        provenance="[" + ",".join(event.provenance) + "]",
    )
