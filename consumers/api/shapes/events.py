"""Events, and how people handle them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, JsonValue

from consumers.api.shapes.candidates import Candidate, Verdict, Word
from consumers.api.shapes.common import MAX_VALUES, Asked, Id, Shown, SiteCamera
from consumers.api.shapes.evidence import Evidence
from consumers.api.texts import Line, Name, Prose, Slug
from consumers.api.times import When

Severity = Literal["alert", "warning", "info"]
State = Literal["opened", "updated", "closed"]
HandlingState = Literal["new", "acknowledged", "resolved"]
Label = Literal["true", "false", "ignore_here"]
MAX_AT_ONCE = 1000


class Handling(Shown):
    """What people made of an event so far."""

    state: HandlingState
    version: int = Field(description='In quotes (`"3"`) it is the ETag for `If-Match`.')
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    assigned_to: UUID | None = Field(description="A user.")
    label: Label | None = Field(
        description="What it was: true, false, or such things are to be ignored at this place."
    )

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Handling:
        """Return that of an event's row."""
        return cls(
            state=row["handling"],
            version=row["handling_version"],
            acknowledged_at=row["acknowledged_at"],
            acknowledged_by=row["acknowledged_by"],
            assigned_to=row["assigned_to"],
            label=row["label"],
        )


class Event(Shown):
    """An event as it stands now."""

    event_id: str
    site: str
    camera: str
    rule: str
    sensor: str
    state: str = Field(description="opened, updated or closed.")
    revision: int
    severity: str = Field(description="alert, warning or info.")
    mode: str = Field(description="live or shadow.")
    class_name: str | None
    score: float
    verdict: str
    triggers: int
    at: datetime = Field(description="Of its last change.")
    opened_at: datetime
    closed_at: datetime | None
    handling: Handling
    snapshot: str | None = Field(default=None, description="The evidence that is its snapshot.")

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Event:
        """Return that of a row."""
        return cls.model_validate({**row, "handling": Handling.of(row)})


class EventChange(Shown):
    """One revision of an event, as the site sent it."""

    revision: int
    state: str
    severity: str
    class_name: str | None
    score: float
    verdict: str
    triggers: int
    at: datetime
    closed_at: datetime | None
    stored_at: datetime


class HistoryEntry(Shown):
    """What somebody did with an event."""

    at: datetime
    actor: str
    action: str = Field(
        description="acknowledge, resolve, reopen, assign, label or comment; see `details`."
    )
    details: dict[str, JsonValue]


class EventDetails(Event):
    """An event with everything that belongs to it."""

    group_key: str
    tracks: JsonValue
    config_version: int
    model: str
    model_version: str
    provenance: JsonValue
    stored_at: datetime
    changes: list[EventChange]
    candidates: list[Candidate] = Field(description="At most 1000, with their reasons.")
    evidence: list[Evidence]
    history: list[HistoryEntry]
    words: list[Word] = Field(description="What the site was told, and what it answered.")


class EventFilter(Asked):
    """Which events; a filter that is not given restricts nothing, values of one are joined by or."""

    since: When | None = Field(default=None, description="Opened at or after.")
    until: When | None = Field(default=None, description="Opened before.")
    site: list[Slug] = Field(default=[], max_length=MAX_VALUES)
    camera: list[SiteCamera] = Field(default=[], max_length=MAX_VALUES)
    group: UUID | None = Field(default=None, description="Of cameras in this group.")
    rule: list[Name] = Field(default=[], max_length=MAX_VALUES)
    severity: list[Severity] = Field(default=[], max_length=MAX_VALUES)
    class_name: list[Line] = Field(default=[], max_length=MAX_VALUES)
    verdict: list[Verdict] = Field(default=[], max_length=MAX_VALUES)
    mode: list[Literal["live", "shadow"]] = Field(default=[], max_length=MAX_VALUES)
    state: list[State] = Field(default=[], max_length=MAX_VALUES)
    handling: list[HandlingState] = Field(default=[], max_length=MAX_VALUES)
    label: list[Label] = Field(default=[], max_length=MAX_VALUES)
    assigned_to: UUID | Literal["nobody"] | None = None
    text: Line | None = Field(
        default=None, description="Beginnings of names or of words in comments; all are needed."
    )


class HandlingChange(Asked):
    """What is to be changed; what is left out stays as it is."""

    state: HandlingState | None = None
    assigned_to: UUID | None = Field(
        default=None, description="A member; null takes it from whoever has it."
    )
    label: Label | None = Field(default=None, description="Told to the site, which learns from it.")


class Comment(Asked):
    """A comment on an event."""

    text: Annotated[Prose, Field(min_length=1)]


class Acknowledge(Asked):
    """Which events to acknowledge: by their ids, or the newest that a filter finds."""

    event_ids: list[Id] | None = Field(default=None, min_length=1, max_length=MAX_AT_ONCE)
    filter: EventFilter | None = None
    limit: int = Field(
        MAX_AT_ONCE, ge=1, le=MAX_AT_ONCE, description="Of those that a filter finds."
    )


class Acknowledged(Shown):
    """What came of one event."""

    event_id: str
    outcome: Literal["acknowledged", "already", "not-found"]


class AcknowledgedEvents(Shown):
    """What came of each event."""

    results: list[Acknowledged]
    more: bool = Field(description="The filter finds more new events than were acknowledged.")
