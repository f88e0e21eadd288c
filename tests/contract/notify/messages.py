"""Messages as targets get them."""

from __future__ import annotations

import uuid
from typing import Any

from consumers.notify.message import Message, text_of, title_of
from consumers.notify.occurrence import Occurrence

AT = 1_700_000_000_000


def happened(**changes: Any) -> Occurrence:
    """Return an occurrence of an alert at the gate."""
    fields: dict[str, Any] = {
        "event_id": "5856a5c4-0000-5000-8000-000000000001",
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
        delivery_id=uuid.uuid5(uuid.NAMESPACE_OID, f"{about.event_id} {state}"),
        organisation_id=uuid.UUID(int=1),
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
