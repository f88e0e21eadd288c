"""Routes and escalations of notifications, as people lay them down."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from consumers.api.texts import Line, Name, OptionalLine, Slug
from schemas.site.schedule import Window, parse_schedule
from schemas.site.timezones import zone_names

MAX_LISTED = 1000
DAY_S = 86_400
Severity = Literal["alert", "warning", "info"]
State = Literal["opened", "updated", "closed"]


class Document(BaseModel):
    """What a person writes: an unknown key is a mistake, and told."""

    model_config = ConfigDict(extra="forbid")


class CameraName(Document):
    """A camera of a site."""

    site: Slug
    camera: Name


class Recipients(Document):
    """Who is told: the organisation's targets, and people in their own browsers."""

    targets: list[UUID] = Field(default=[], max_length=100, description="Of the organisation.")
    users: list[UUID] = Field(default=[], max_length=1000, description="Their own browsers.")
    everyone: bool = Field(
        default=False, description="The browsers of all users, as far as each may see."
    )

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not (self.targets or self.users or self.everyone):
            raise ValueError("reaches nobody: name targets or users, or say everyone")
        return self


class Conditions(Document):
    """Which events; an empty list restricts nothing."""

    severities: list[Severity] = Field(default=[], max_length=3)
    sites: list[Slug] = Field(default=[], max_length=MAX_LISTED)
    cameras: list[CameraName] = Field(default=[], max_length=MAX_LISTED)
    camera_groups: list[UUID] = Field(default=[], max_length=100)
    rules: list[Name] = Field(default=[], max_length=MAX_LISTED)
    classes: list[Line] = Field(default=[], max_length=100)
    states: list[State] = Field(default=["opened"], min_length=1, max_length=3)
    schedule: list[Line] = Field(
        default=[],
        max_length=64,
        description="Wall-clock windows such as `Mon-Fri 20:00-07:00`, in which the event opened.",
        examples=[["Mon-Fri 20:00-07:00", "Sat-Sun"]],
    )
    timezone: OptionalLine = Field(
        default="", description="Of the schedule; empty: each site's own."
    )

    @field_validator("schedule")
    @classmethod
    def _windows(cls, value: list[str]) -> list[str]:
        parse_schedule(value or None)
        return value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        if value and value not in zone_names():
            raise ValueError("is no IANA time zone such as Europe/Madrid")
        return value

    def windows(self) -> tuple[Window, ...] | None:
        """Return the schedule; None is always."""
        return parse_schedule(self.schedule or None)


class Route(Recipients):
    """Who is told of which events, and how."""

    name: Line
    enabled: bool = True
    when: Conditions = Conditions()
    digest_s: int = Field(
        default=0,
        ge=0,
        le=DAY_S,
        description="Collect for so long and send one message; 0: each at once.",
    )
    snapshot_wait_s: int = Field(
        default=5,
        ge=0,
        le=60,
        description="Wait so long for the picture before sending without it.",
    )
    max_age_s: int = Field(
        default=3600,
        ge=60,
        le=7 * DAY_S,
        description="What happened longer ago, such as while the site was cut off, is not told.",
    )
    escalation: UUID | None = Field(default=None, description="Who is told if nobody acknowledges.")


class EscalationStep(Recipients):
    """Who is told next."""

    after_s: int = Field(ge=30, le=DAY_S, description="After the event became known.")


class Escalation(Document):
    """Who is told, in steps, of an event that nobody acknowledges."""

    name: Line
    steps: Annotated[list[EscalationStep], Field(min_length=1, max_length=10)]


class StoredRoute(Route):
    """A route as it is."""

    route_id: UUID
    created_at: datetime
    changed_at: datetime


class StoredEscalation(Escalation):
    """An escalation as it is."""

    escalation_id: UUID
    created_at: datetime
    changed_at: datetime
