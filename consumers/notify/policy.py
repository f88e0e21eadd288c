"""What an organisation has laid down: routes, escalations, mutes, and whom they reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from consumers.access.principal import Scope
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

    targets: list[UUID] = Field([], max_length=100, description="Of the organisation.")
    users: list[UUID] = Field([], max_length=1000, description="Their own browsers.")
    everyone: bool = Field(False, description="The browsers of all users, as far as each may see.")

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not (self.targets or self.users or self.everyone):
            raise ValueError("reaches nobody: name targets or users, or say everyone")
        return self


class Conditions(Document):
    """Which events; an empty list restricts nothing."""

    severities: list[Severity] = Field([], max_length=3)
    sites: list[Slug] = Field([], max_length=MAX_LISTED)
    cameras: list[CameraName] = Field([], max_length=MAX_LISTED)
    camera_groups: list[UUID] = Field([], max_length=100)
    rules: list[Name] = Field([], max_length=MAX_LISTED)
    classes: list[Line] = Field([], max_length=100)
    states: list[State] = Field(["opened"], min_length=1, max_length=3)
    schedule: list[Line] = Field(
        [],
        max_length=64,
        description="Wall-clock windows such as `Mon-Fri 20:00-07:00`, in which the event opened.",
        examples=[["Mon-Fri 20:00-07:00", "Sat-Sun"]],
    )
    timezone: OptionalLine = Field("", description="Of the schedule; empty: each site's own.")

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
    when: Conditions = Conditions()  # type: ignore[call-arg]
    digest_s: int = Field(
        0, ge=0, le=DAY_S, description="Collect for so long and send one message; 0: each at once."
    )
    snapshot_wait_s: int = Field(
        5, ge=0, le=60, description="Wait so long for the picture before sending without it."
    )
    max_age_s: int = Field(
        3600,
        ge=60,
        le=7 * DAY_S,
        description="What happened longer ago, such as while the site was cut off, is not told.",
    )
    escalation: UUID | None = Field(None, description="Who is told if nobody acknowledges.")


class EscalationStep(Recipients):
    """Who is told next."""

    after_s: int = Field(ge=30, le=DAY_S, description="After the event became known.")


class Escalation(Document):
    """Who is told, in steps, of an event that nobody acknowledges."""

    name: Line
    steps: Annotated[list[EscalationStep], Field(min_length=1, max_length=10)]


@dataclass(frozen=True, slots=True)
class Mute:
    """Silence until a time; None names any."""

    until: int
    """UTC ms, excluded."""
    user_id: UUID | None = None
    site: str | None = None
    camera: str | None = None
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """A target as routing knows it."""

    user_id: UUID | None = None
    """Whose own it is."""
    scope: Scope = field(default_factory=Scope)
    """Where its owner may see anything."""
    collects: bool = True
    """Whether digests make sense to it."""
    states: tuple[str, ...] = ()
    """What it has to know besides what a route names, to be of use."""


@dataclass(frozen=True, slots=True)
class Policy:
    """All that routing needs to know of one organisation."""

    routes: Mapping[UUID, Route] = field(default_factory=dict)
    escalations: Mapping[UUID, Escalation] = field(default_factory=dict)
    targets: Mapping[UUID, Reach] = field(default_factory=dict)
    """Enabled ones."""
    groups: Mapping[UUID, frozenset[tuple[str, str]]] = field(default_factory=dict)
    """(site, camera) of each camera group."""
    mutes: tuple[Mute, ...] = ()
