"""Retention, legal hold, erasure."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from consumers.keeping.policy import DEFAULT_DAYS, Kind

MAX_DAYS = 36_500
Days = Annotated[int, Field(ge=1, le=MAX_DAYS)]


class Retention(BaseModel):
    """For how many days the organisation keeps what."""

    events: Days = DEFAULT_DAYS[Kind.EVENTS]
    candidates: Days = DEFAULT_DAYS[Kind.CANDIDATES]
    evidence: Days = DEFAULT_DAYS[Kind.EVIDENCE]
    tracks: Days = DEFAULT_DAYS[Kind.TRACKS]
    counts: Days = DEFAULT_DAYS[Kind.COUNTS]
    health: Days = DEFAULT_DAYS[Kind.HEALTH]


class Hold(BaseModel):
    """A legal hold."""

    hold_id: UUID
    event_id: str
    site: str
    camera: str
    reason: str
    placed_by: str
    placed_at: datetime
    released_by: str | None
    released_at: datetime | None = Field(description="Null while it is in force.")


class Erasure(BaseModel):
    """An erasure and its report."""

    erasure_id: UUID
    site: str
    camera: str | None
    from_at: datetime
    to_at: datetime
    reason: str
    requested_by: str
    requested_at: datetime
    state: Literal["waiting", "done"]
    done_at: datetime | None
    report: dict[str, Any] = Field(
        description="`removed`: rows by table, `parquet` of objects; `on_hold`: events that stayed; "
        "`remains`: where copies still are, and until when; `in_force_until`: what arrives late goes "
        "until then; `beyond_the_span`: rows of rollups among those removed that hold figures of "
        "other times too, for nobody can divide them any more."
    )
