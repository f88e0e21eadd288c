"""Events, candidates, evidence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, TypedDict, Unpack
from uuid import UUID

from consumers.api.shapes.candidates import Candidate, CandidateDetails
from consumers.api.shapes.events import (
    AcknowledgedEvents,
    Comment,
    Event,
    EventDetails,
    EventFilter,
    Handling,
    HandlingChange,
    HandlingState,
    Label,
)
from consumers.api.shapes.evidence import Evidence, EvidenceLink
from consumers.client.calls import Call, PageOf, change, content, get, pages, place, post, reader


class EventsOf(TypedDict, total=False):
    """Filters of events; values of one filter are joined by or."""

    since: datetime
    until: datetime
    site: Sequence[str]
    camera: Sequence[str]
    """Each as ``site/camera``."""
    group: UUID
    rule: Sequence[str]
    severity: Sequence[str]
    class_name: Sequence[str]
    verdict: Sequence[str]
    mode: Sequence[str]
    state: Sequence[str]
    handling: Sequence[HandlingState]
    label: Sequence[Label]
    assigned_to: UUID | Literal["nobody"]
    text: str
    order: Literal["newest", "oldest"]
    limit: int
    """Of a page."""


class HandlingOf(TypedDict, total=False):
    """What to change of how an event is handled."""

    state: HandlingState
    assigned_to: UUID | None
    """A member; None: nobody."""
    label: Label


class CandidatesOf(TypedDict, total=False):
    """Filters of candidates."""

    since: datetime
    until: datetime
    site: Sequence[str]
    camera: Sequence[str]
    group: UUID
    rule: Sequence[str]
    class_name: Sequence[str]
    verdict: Sequence[Literal["accepted", "suppressed", "cooling", "shadow"]]
    limit: int


class EvidenceOf(TypedDict, total=False):
    """Filters of evidence."""

    since: datetime
    until: datetime
    site: Sequence[str]
    camera: Sequence[str]
    event_id: str
    candidate_id: str
    kind: Sequence[Literal["snapshot", "clip"]]
    status: Sequence[Literal["ok", "expired", "failed"]]
    limit: int


def events(**filters: Unpack[EventsOf]) -> Call[PageOf[Event]]:
    """List events."""
    return pages(Event, "events", **filters)


def event(event_id: str) -> Call[EventDetails]:
    """Show an event."""
    return get(EventDetails, "events", event_id)


def handling(event_id: str) -> Call[Handling]:
    """Show how an event is handled."""
    return get(Handling, "events", event_id, "handling")


def acknowledge(event_id: str) -> Call[Handling]:
    """Acknowledge an event."""
    return Call("POST", place("events", event_id, "acknowledge"), reader(Handling))


def change_handling(
    event_id: str, version: int | None, **changes: Unpack[HandlingOf]
) -> Call[Handling]:
    """Change how an event is handled."""
    json = HandlingChange(**changes).model_dump(mode="json", exclude_unset=True)
    return change("PATCH", Handling, "events", event_id, "handling", version=version, json=json)


def comment(event_id: str, text: str) -> Call[Comment]:
    """Comment on an event."""
    return post(Comment, "events", event_id, "comments", json={"text": text})


def acknowledge_many(event_ids: Sequence[str]) -> Call[AcknowledgedEvents]:
    """Acknowledge events by their ids."""
    json = {"event_ids": list(event_ids)}
    return post(AcknowledgedEvents, "events", "acknowledge", json=json)


def acknowledge_found(wanted: EventFilter, limit: int) -> Call[AcknowledgedEvents]:
    """Acknowledge the newest new events of a filter."""
    json = {"filter": wanted.model_dump(mode="json", exclude_defaults=True), "limit": limit}
    return post(AcknowledgedEvents, "events", "acknowledge", json=json)


def candidates(**filters: Unpack[CandidatesOf]) -> Call[PageOf[Candidate]]:
    """List candidates."""
    return pages(Candidate, "candidates", **filters)


def candidate(candidate_id: str) -> Call[CandidateDetails]:
    """Show a candidate."""
    return get(CandidateDetails, "candidates", candidate_id)


def restore(candidate_id: str) -> Call[CandidateDetails]:
    """Restore a suppressed candidate."""
    return Call("POST", place("candidates", candidate_id, "restore"), reader(CandidateDetails))


def evidence(**filters: Unpack[EvidenceOf]) -> Call[PageOf[Evidence]]:
    """List evidence."""
    return pages(Evidence, "evidence", **filters)


def piece_of_evidence(evidence_id: str) -> Call[Evidence]:
    """Show what a piece of evidence is."""
    return get(Evidence, "evidence", evidence_id)


def evidence_link(evidence_id: str) -> Call[EvidenceLink]:
    """Sign a link."""
    return get(EvidenceLink, "evidence", evidence_id, "link")


def evidence_content(evidence_id: str) -> Call[bytes]:
    """Fetch a picture or clip."""
    return content("evidence", evidence_id, "content")
