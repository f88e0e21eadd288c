"""Rows of the cloud's tables as typed values; times are aware datetimes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """An event as it stands now."""

    event_id: str
    site: str
    rule: str
    camera: str
    sensor: str
    state: str
    revision: int
    severity: str
    mode: str
    group_key: str
    at: datetime
    opened_at: datetime
    closed_at: datetime | None
    triggers: int
    tracks: tuple[str, ...]
    class_name: str | None
    score: float
    verdict: str
    config_version: int
    model: str
    model_version: str
    provenance: Any
    """The JSON value; None if what came was no JSON."""
    stored_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EventChange:
    """One revision of an event, as it arrived."""

    event_id: str
    revision: int
    site: str
    rule: str
    camera: str
    state: str
    severity: str
    mode: str
    at: datetime
    opened_at: datetime
    closed_at: datetime | None
    triggers: int
    tracks: str
    """JSON array of track ids."""
    class_name: str | None
    score: float
    verdict: str
    stored_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRow:
    """What was decided about one candidate, and why."""

    candidate_id: str
    site: str
    camera: str
    rule: str
    sensor: str
    track: str | None
    class_name: str | None
    matched_at: datetime
    decided_at: datetime
    verdict: str
    event_id: str | None
    score: float
    reasons: Any
    revision: int
    config_version: int
    provenance: Any
    stored_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRow:
    """Where a picture or clip lies, or why there is none."""

    evidence_id: str
    site: str
    camera: str
    event_id: str | None
    candidate_id: str | None
    kind: str
    status: str
    reason: str | None
    content_type: str
    sha256: str
    size: int
    from_at: datetime
    to_at: datetime
    revision: int
    bucket: str | None
    object_key: str | None
    stored_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDetails:
    """An event with everything that belongs to it."""

    event: EventRow
    changes: tuple[EventChange, ...]
    """By revision."""
    verdicts: tuple[VerdictRow, ...]
    """Of its candidates, by time."""
    evidence: tuple[EvidenceRow, ...]
