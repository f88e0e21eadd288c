"""Organisations, their members and keys, and who asks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from consumers.access.permissions import Permission, Role
from consumers.api.texts import Slug

MOST = 500


class LimitsBody(BaseModel):
    """Only these sites, and the cameras of these camera groups."""

    model_config = ConfigDict(extra="forbid")

    sites: Annotated[list[Slug], Field(max_length=MOST)] = []
    camera_groups: Annotated[list[UUID], Field(max_length=MOST)] = []


class Membership(BaseModel):
    """An organisation that somebody works for."""

    organisation_id: UUID
    slug: str
    name: str
    role: Role


class Scope(BaseModel):
    """What somebody may see within the organisation at present."""

    everything: bool
    sites: list[str]
    cameras: list[tuple[str, str]] = Field(description="Site and camera, beside whole sites.")


class Asker(BaseModel):
    """Who asks, as this request found it to be."""

    kind: Literal["user", "key"]
    subject_id: UUID
    name: str = Field(description="Mail address of the user, name of the key.")
    organisation_id: UUID
    permissions: list[Permission]
    scope: Scope
    session_id: UUID | None
    csrf_token: str | None
    stepped_up_until: datetime | None = Field(description="Until then dangerous things are let by.")
    organisations: list[Membership] = Field(description="A user's; empty for a key.")


class Organisation(BaseModel):
    """An organisation."""

    organisation_id: UUID
    slug: str
    name: str
    created_at: datetime


class User(BaseModel):
    """A member of the organisation."""

    user_id: UUID
    mail: str
    name: str
    role: Role
    limits: LimitsBody | None = Field(description="Null: limited to nothing.")
    authenticator: bool = Field(description="They have one as a second factor.")
    disabled: bool = Field(description="The cloud's operators let them in nowhere.")
    joined_at: datetime


class Invitation(BaseModel):
    """An invitation that nobody has accepted yet."""

    invitation_id: UUID
    mail: str
    role: Role
    limits: LimitsBody | None
    created_at: datetime
    expires_at: datetime


class Key(BaseModel):
    """A key without its secret."""

    key_id: UUID
    prefix: str = Field(description="How the key begins.")
    name: str
    permissions: list[str]
    limits: LimitsBody | None
    made_by: UUID | None = Field(description="Null: by the cloud's operators.")
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None = Field(description="To the minute.")
