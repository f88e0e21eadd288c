"""Events read from the site's own topics, cloud or no cloud."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from infra.runtime.kafka import read_all
from schemas.codec import decode
from schemas.errors import Rejected
from schemas.records import Event, Evidence, Verdict

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class LocalDetails:
    """An event with what the site's topics still hold of it."""

    event: Event
    changes: tuple[Event, ...]
    verdicts: tuple[Verdict, ...]
    evidence: tuple[Evidence, ...]


def latest(bootstrap: str, since: datetime) -> list[Event]:
    """Return the newest revision of each event opened since then, newest first."""
    newest: dict[str, Event] = {}
    for event in _records(bootstrap, "up.events", Event):
        kept = newest.get(event.event_id)
        if kept is None or event.revision >= kept.revision:
            newest[event.event_id] = event
    from_ms = since.timestamp() * 1000
    recent = (event for event in newest.values() if event.opened_at >= from_ms)
    return sorted(recent, key=lambda event: (-event.opened_at, event.event_id))


def get(bootstrap: str, event_id: str) -> LocalDetails | None:
    """Return one event with its changes, verdicts and evidence; None if it is not there."""
    changes = {
        event.revision: event
        for event in _records(bootstrap, "up.events", Event)
        if event.event_id == event_id
    }
    if not changes:
        return None
    verdicts = {
        verdict.candidate_id: verdict
        for verdict in _records(bootstrap, "up.verdicts", Verdict)
        if verdict.event_id == event_id
    }
    evidence = {
        (part.evidence_id, part.chunk): part
        for part in _records(bootstrap, "up.evidence", Evidence)
        if part.event_id == event_id and part.chunk == 0
    }
    ordered = tuple(changes[revision] for revision in sorted(changes))
    return LocalDetails(ordered[-1], ordered, tuple(verdicts.values()), tuple(evidence.values()))


def _records(bootstrap: str, topic: str, kind: type[R]) -> list[R]:
    found: list[R] = []
    for message in read_all(bootstrap, topic):
        try:
            record = decode(message.value)
        except Rejected:
            # Another reader's business: it stands in the topic's dead letters.
            continue
        if isinstance(record, kind):
            found.append(record)
    return found
