"""Sites, cameras, groups of cameras, health."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, JsonValue

from consumers.api.shapes.common import Asked, Shown, SiteCamera
from consumers.api.texts import Line, OptionalLine

MAX_MEMBERS = 2000


class Site(Shown):
    """A site and how it is as a whole."""

    site: str
    name: str
    timezone: str = Field(description="IANA name; days of counts are those of this zone.")
    created_at: datetime
    cameras: int
    camera_states: dict[str, int] = Field(
        description="How many cameras are in which state; `unknown` have said nothing of late."
    )
    heard_at: datetime | None = Field(description="When the site last told of anything's health.")
    last_event_at: datetime | None


class SiteChange(Asked):
    """What is to be changed; what is left out stays as it is."""

    name: OptionalLine | None = None
    timezone: Annotated[Line, Field(max_length=64)] | None = Field(
        None, description="Holds until the site's configuration names another."
    )


class Health(Shown):
    """How a camera or process says it is."""

    site: str
    kind: Literal["camera", "process"]
    name: str
    state: str
    reason: str | None
    at: datetime
    silent: bool = Field(
        description="Nothing was heard for a minute, though it tells every ten seconds: `state` is "
        "what it said last."
    )
    frames_per_s: float | None
    frames: int
    dropped: int
    details: JsonValue


class CameraHealth(Shown):
    """How a camera says it is."""

    state: str
    reason: str | None
    at: datetime
    silent: bool
    frames_per_s: float | None


class LastEvent(Shown):
    """The newest event of a camera."""

    event_id: str
    opened_at: datetime


class Camera(Shown):
    """A camera as it stands now."""

    site: str
    camera: str
    name: str
    created_at: datetime
    health: CameraHealth | None
    last_event: LastEvent | None


class CameraChange(Asked):
    """A new name for people."""

    name: OptionalLine


class CameraGroup(Shown):
    """Cameras that belong together, of any sites."""

    group_id: UUID
    name: str
    created_at: datetime
    members: int = Field(description="Of its cameras, those that you may see.")
    camera_states: dict[str, int] = Field(
        description="How many of its cameras that you may see are in which state; `unknown` have "
        "said nothing of late."
    )
    last_event_at: datetime | None


class CameraGroupDetails(CameraGroup):
    """A group with its cameras."""

    cameras: list[str] = Field(description="As `site/camera`; those that you may see.")


class CameraGroupBody(Asked):
    """What a group is to be."""

    name: Line
    cameras: list[SiteCamera] = Field(max_length=MAX_MEMBERS)
