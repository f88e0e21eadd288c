"""What can be followed: events, verdicts, health; where each comes from and who may see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from consumers.access.permissions import Permission
from schemas.records import Event, Health, Verdict

Followed = Event | Verdict | Health


class Kind(StrEnum):
    """One kind of what is streamed; the value is the type of its messages."""

    EVENT = "event"
    VERDICT = "verdict"
    HEALTH = "health"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a kind comes from, and what its records are known by."""

    topic: str
    record: type[Followed]
    permission: Permission
    identity: Callable[[Any], str]
    """A later record of the same identity takes the place of an earlier one."""
    camera: Callable[[Any], str | None]
    """None where it concerns the whole site."""
    filtered_by: frozenset[str]
    """Fields that a selection can name, beside site and camera."""


SOURCES: Mapping[Kind, Source] = {
    Kind.EVENT: Source(
        "up.events",
        Event,
        Permission.EVENTS_READ,
        lambda event: event.event_id,
        lambda event: event.camera,
        frozenset({"rule", "severity", "class_name", "state", "mode", "verdict"}),
    ),
    Kind.VERDICT: Source(
        "up.verdicts",
        Verdict,
        Permission.EVENTS_READ,
        lambda verdict: verdict.candidate_id,
        lambda verdict: verdict.camera,
        frozenset({"rule", "class_name", "verdict"}),
    ),
    Kind.HEALTH: Source(
        "up.health",
        Health,
        Permission.SITES_READ,
        lambda health: health.health_id,
        lambda health: health.name if health.kind == "camera" else None,
        frozenset(),
    ),
}
BY_TOPIC: Mapping[str, Kind] = {source.topic: kind for kind, source in SOURCES.items()}
