"""Targets of notifications, mutes, and what became of each notification."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from consumers.api.shapes.routing import Document

MOST_AT_ONCE = 10_000
Status = Literal[
    "pending",
    "collecting",
    "held",
    "sent",
    "collected",
    "muted",
    "skipped",
    "cancelled",
    "dead",
    "dropped",
]


class RateLimit(Document):
    """How much a target takes; what is above comes as one message when the time is over."""

    most: int = Field(ge=1, le=100_000)
    within_s: int = Field(ge=1, le=86_400)


class Circuit(BaseModel):
    """Whether a target answers."""

    state: Literal["closed", "open"] = Field(description="Open: it does not answer, and waits.")
    until: datetime | None = Field(description="When it is tried again.")
    failures: int = Field(description="In a row.")


class Target(BaseModel):
    """A target as it is; secrets are never shown."""

    target_id: UUID
    name: str
    enabled: bool
    rate_limit: RateLimit | None
    settings: dict[str, Any] = Field(description="Without secrets; `kind` says which they are.")
    secrets: list[str] = Field(description="Names of the secrets that are set.")
    circuit: Circuit
    problem: str = Field(description="What went wrong last; empty: nothing.")
    created_at: datetime
    changed_at: datetime


class Mute(BaseModel):
    """A mute in force."""

    mute_id: UUID
    site: str | None
    camera: str | None
    rule: str | None
    until: datetime
    reason: str
    created_by: str
    created_at: datetime


class Delivery(BaseModel):
    """What a target was, or is to be, told."""

    delivery_id: UUID
    target_id: UUID
    route_id: UUID | None
    kind: Literal["event", "digest", "summary", "test"]
    event_id: str | None
    event_state: str | None = Field(description="opened, updated, closed or escalated.")
    site: str | None
    camera: str | None
    status: Status = Field(
        description="`collecting` for a digest, `held` back by a rate limit, both then `collected` "
        "in the message `told_in`; `skipped`: too old; `dead`: given up."
    )
    reason: str = Field(description="Why it is not sent, or what went wrong last.")
    due_at: datetime
    attempts: int
    number: int | None = Field(description="Its number among all that the target was sent.")
    told_in: UUID | None
    created_at: datetime
    tried_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Delivery:
        """Return what a row holds."""
        return cls.model_validate(row)


class HowMany(BaseModel):
    """How many it were."""

    deliveries: int = Field(description=f"At most {MOST_AT_ONCE} at once: ask again.")
