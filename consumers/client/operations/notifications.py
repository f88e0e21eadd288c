"""Notifications: targets, routes, escalations, mutes, deliveries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict, Unpack
from uuid import UUID

from consumers.api.shapes.notifications import Delivery, HowMany, Mute, RateLimit, Status, Target
from consumers.api.shapes.routing import Escalation, Route, StoredEscalation, StoredRoute
from consumers.client.calls import Call, PageOf, change, get, once, pages, plain, remove


class TargetOf(TypedDict, total=False):
    """What a target has besides its name and settings."""

    enabled: bool
    rate_limit: RateLimit | None


class MuteOf(TypedDict, total=False):
    """What is to be silent; what is left out is everything."""

    site: str
    camera: str
    """Of the site."""
    rule: str
    reason: str


class DeliveriesOf(TypedDict, total=False):
    """Filters of deliveries."""

    status: Status
    target_id: UUID
    event_id: str
    limit: int


def targets(limit: int | None = None) -> Call[PageOf[Target]]:
    """Go through the organisation's targets by name."""
    return pages(Target, "notifications", "targets", limit=limit)


def target(target_id: UUID) -> Call[Target]:
    """Return a target; its secrets are never shown."""
    return get(Target, "notifications", "targets", target_id)


def make_target(name: str, settings: Mapping[str, Any], **others: Unpack[TargetOf]) -> Call[Target]:
    """Make a target; ``settings`` name its ``kind`` and are those of docs/notifications.md."""
    return once(Target, "notifications", "targets", json=_target(name, settings, others))


def change_target(
    target_id: UUID,
    name: str,
    settings: Mapping[str, Any],
    tag: str | None = None,
    **others: Unpack[TargetOf],
) -> Call[Target]:
    """Change a target, at the version with this ETag; secrets that are left out stay."""
    path, json = ("notifications", "targets", target_id), _target(name, settings, others)
    return change("PUT", Target, *path, version=tag, json=json)


def remove_target(target_id: UUID) -> Call[None]:
    """Remove a target that no route and no escalation names."""
    return remove("notifications", "targets", target_id, version=None)


def send_test(target_id: UUID) -> Call[Delivery]:
    """Send a test message; what became of it says ``delivery``."""
    return once(Delivery, "notifications", "targets", target_id, "test")


def routes(limit: int | None = None) -> Call[PageOf[StoredRoute]]:
    """Go through routes by name."""
    return pages(StoredRoute, "notifications", "routes", limit=limit)


def route(route_id: UUID) -> Call[StoredRoute]:
    """Return a route."""
    return get(StoredRoute, "notifications", "routes", route_id)


def make_route(route: Route) -> Call[StoredRoute]:
    """Make a route: who is told of which events, and how."""
    return once(StoredRoute, "notifications", "routes", json=_as(Route, route))


def change_route(route_id: UUID, route: Route, tag: str | None = None) -> Call[StoredRoute]:
    """Change a route, at the version with this ETag, for events that come from now on."""
    path, json = ("notifications", "routes", route_id), _as(Route, route)
    return change("PUT", StoredRoute, *path, version=tag, json=json)


def remove_route(route_id: UUID) -> Call[None]:
    """Remove a route; what was planned by it is still sent."""
    return remove("notifications", "routes", route_id, version=None)


def escalations(limit: int | None = None) -> Call[PageOf[StoredEscalation]]:
    """Go through escalations by name."""
    return pages(StoredEscalation, "notifications", "escalations", limit=limit)


def escalation(escalation_id: UUID) -> Call[StoredEscalation]:
    """Return an escalation."""
    return get(StoredEscalation, "notifications", "escalations", escalation_id)


def make_escalation(escalation: Escalation) -> Call[StoredEscalation]:
    """Make an escalation: who is told, in steps, of what nobody acknowledges."""
    json = _as(Escalation, escalation)
    return once(StoredEscalation, "notifications", "escalations", json=json)


def change_escalation(
    escalation_id: UUID, escalation: Escalation, tag: str | None = None
) -> Call[StoredEscalation]:
    """Change an escalation, at the version with this ETag."""
    path, json = ("notifications", "escalations", escalation_id), _as(Escalation, escalation)
    return change("PUT", StoredEscalation, *path, version=tag, json=json)


def remove_escalation(escalation_id: UUID) -> Call[None]:
    """Remove an escalation that no route names."""
    return remove("notifications", "escalations", escalation_id, version=None)


def mutes(limit: int | None = None) -> Call[PageOf[Mute]]:
    """Go through the mutes for all that are in force, the newest first."""
    return pages(Mute, "notifications", "mutes", limit=limit)


def mute(until: datetime, **what: Unpack[MuteOf]) -> Call[Mute]:
    """Let nobody be notified of what is named until a time, at most a year ahead."""
    return once(Mute, "notifications", "mutes", json=plain({"until": until, **what}))


def unmute(mute_id: UUID) -> Call[None]:
    """End a mute for all."""
    return remove("notifications", "mutes", mute_id, version=None)


def deliveries(**filters: Unpack[DeliveriesOf]) -> Call[PageOf[Delivery]]:
    """Go through deliveries of the last 30 days, the newest first."""
    return pages(Delivery, "notifications", "deliveries", **filters)


def delivery(delivery_id: UUID) -> Call[Delivery]:
    """Return a delivery."""
    return get(Delivery, "notifications", "deliveries", delivery_id)


def replay(delivery_id: UUID) -> Call[Delivery]:
    """Try a dead letter again."""
    return once(Delivery, "notifications", "deliveries", delivery_id, "replay")


def drop(delivery_id: UUID) -> Call[Delivery]:
    """Give a dead letter up for good."""
    return once(Delivery, "notifications", "deliveries", delivery_id, "drop")


def dead_letters(limit: int | None = None) -> Call[PageOf[Delivery]]:
    """Go through the deliveries that were given up, the newest first."""
    return pages(Delivery, "notifications", "dead-letters", limit=limit)


def replay_all(target_id: UUID | None = None) -> Call[HowMany]:
    """Try dead letters again, oldest first, of a target or of all: up to 10,000 at once."""
    json = plain({"target_id": target_id})
    return once(HowMany, "notifications", "dead-letters", "replay", json=json)


def drop_all(target_id: UUID | None = None) -> Call[HowMany]:
    """Give dead letters up for good, of a target or of all: up to 10,000 at once."""
    json = plain({"target_id": target_id})
    return once(HowMany, "notifications", "dead-letters", "drop", json=json)


def _target(name: str, settings: Mapping[str, Any], others: TargetOf) -> dict[str, Any]:
    limit = others.get("rate_limit")
    shown = {"rate_limit": None if limit is None else limit.model_dump(mode="json")}
    return {"name": name, "settings": dict(settings), **others, **shown}


def _as(shape: type[Route | Escalation], given: Route | Escalation) -> dict[str, Any]:
    """Return the fields of what a person writes; of one that is stored, too."""
    return given.model_dump(mode="json", include=set(shape.model_fields))
