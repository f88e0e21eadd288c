"""What is told of: one state of one event of a site that an organisation owns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID, uuid5

import orjson

from schemas.ids import NAMESPACE
from schemas.records import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose a site is, and what people call it."""

    organisation_id: UUID
    site_name: str
    timezone: str
    """IANA name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """As much of an event as notifications say; times are UTC milliseconds."""

    event_id: str
    state: str
    site: str
    site_name: str
    timezone: str
    camera: str
    rule: str
    sensor: str
    severity: str
    mode: str
    class_name: str | None
    score: float
    verdict: str
    level: int | None
    """After ANSI/TMA-AVS-01, 0 to 4, the highest of its candidates'; None where none is told."""
    triggers: int
    revision: int
    at: int
    opened_at: int
    closed_at: int | None

    def document(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self)

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> Occurrence:
        """Return what :meth:`document` gave."""
        return cls(**document)


def occurrence(event: Event, owner: Owner) -> Occurrence:
    """Return what an event's record says, with its site as the owner calls it."""
    return Occurrence(
        event_id=event.event_id,
        state=event.state,
        site=event.site,
        site_name=owner.site_name or event.site,
        timezone=owner.timezone,
        camera=event.camera,
        rule=event.rule,
        sensor=event.sensor,
        severity=event.severity,
        mode=event.mode,
        class_name=event.class_name,
        score=event.score,
        verdict=event.verdict,
        level=_level(event.provenance),
        triggers=event.triggers,
        revision=event.revision,
        at=event.at,
        opened_at=event.opened_at,
        closed_at=event.closed_at,
    )


def delivery_id(organisation: UUID, target: UUID, *parts: str) -> UUID:
    """Name what a target is to be told: the same for whoever computes it, however often.

    ``parts`` are an event's id and state, or a word and what it is about.
    """
    return uuid5(NAMESPACE, "\x1f".join(("notification", str(organisation), str(target), *parts)))


def _level(provenance: str) -> int | None:
    try:
        candidates = orjson.loads(provenance)
    except ValueError:
        return None
    if not isinstance(candidates, list):
        return None
    found = [
        candidate["level"]["level"]
        for candidate in candidates
        if isinstance(candidate, dict)
        and isinstance(candidate.get("level"), dict)
        and isinstance(candidate["level"].get("level"), int)
    ]
    return max(found, default=None)
