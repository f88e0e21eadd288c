"""What an organisation has laid down: routes, escalations, mutes, and whom they reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from consumers.access.principal import Scope
from consumers.api.shapes.routing import Escalation, Route


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
