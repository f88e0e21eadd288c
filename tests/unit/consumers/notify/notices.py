"""Occurrences, messages and policies for tests of notifications."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

from consumers.api.shapes.routing import Route
from consumers.notify.message import Message, text_of, title_of
from consumers.notify.occurrence import Occurrence
from consumers.notify.policy import Policy, Reach

NOW = 1_700_000_100_000
AT = 1_700_000_000_000
_NAMES = UUID(int=99)


def named(name: str) -> UUID:
    """Return an id that is the same for the same name."""
    return uuid5(_NAMES, name)


def happened(**changes: Any) -> Occurrence:
    """Return an alert at the gate of the depot, a hundred seconds ago."""
    fields: dict[str, Any] = {
        "event_id": "e-1",
        "state": "opened",
        "site": "depot-7",
        "site_name": "The depot",
        "timezone": "Europe/Madrid",
        "camera": "gate",
        "rule": "intrusion",
        "sensor": "lawn",
        "severity": "alert",
        "mode": "live",
        "class_name": "person",
        "score": 0.93,
        "verdict": "accepted",
        "level": 2,
        "triggers": 1,
        "revision": 1,
        "at": AT,
        "opened_at": AT,
        "closed_at": None,
    }
    return Occurrence(**{**fields, **changes})


def message(state: str = "opened", number: int = 1, **changes: Any) -> Message:
    """Return a message about one event."""
    about = happened(state=state if state != "escalated" else "opened", **changes)
    return Message(
        delivery_id=named(f"{about.event_id} {state}"),
        organisation_id=UUID(int=1),
        number=number,
        attempt=1,
        kind="event",
        state=state,
        title=title_of(about, state),
        text=text_of(about, state),
        url=f"https://cloud.example/events/{about.event_id}",
        snapshot_url="https://cloud.example/evidence/signed",
        sent_at=AT,
        occurrence=about,
    )


def route(*targets: str, **more: Any) -> Route:
    """Return a route to targets by name."""
    given = {"name": "a route", "targets": [named(target) for target in targets], **more}
    return Route.model_validate(given)


def policy(*routes: Route, targets: dict[str, Reach] | None = None, **more: Any) -> Policy:
    """Return a policy; all targets that a route names are there."""
    reached = {target for one in routes for target in one.targets}
    known = {target: Reach() for target in reached}
    known |= {named(name): reach for name, reach in (targets or {}).items()}
    return Policy(
        routes={named(f"route {number}"): one for number, one in enumerate(routes)},
        targets=known,
        **more,
    )
