"""Retention, legal hold, erasure, and the audit trail."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict, Unpack
from uuid import UUID

from consumers.api.shapes.audit import Entry
from consumers.api.shapes.keeping import Erasure, Hold, Retention
from consumers.client.calls import Call, PageOf, change, get, pages, place, plain, post, reader


class EntriesOf(TypedDict, total=False):
    """Filters of the audit trail."""

    action: str
    subject: str
    actor: UUID
    """A user or key."""
    from_at: datetime
    to_at: datetime
    limit: int


def retention() -> Call[Retention]:
    """Return for how many days what is kept."""
    return get(Retention, "retention")


def set_retention(retention: Retention) -> Call[Retention]:
    """Set for how many days what is kept; what is older goes within hours."""
    return change("PUT", Retention, "retention", version=None, json=retention.model_dump())


def holds(in_force: bool = True, limit: int | None = None) -> Call[PageOf[Hold]]:
    """Go through legal holds, the newest first."""
    return pages(Hold, "holds", in_force=in_force, limit=limit)


def hold(event_id: str, reason: str) -> Call[Hold]:
    """Keep an event and its evidence until the hold is released."""
    return post(Hold, "events", event_id, "hold", json={"reason": reason})


def release(event_id: str) -> Call[Hold]:
    """Release the hold on an event."""
    return Call("DELETE", place("events", event_id, "hold"), reader(Hold), repeatable=False)


def erasures(limit: int | None = None) -> Call[PageOf[Erasure]]:
    """Go through erasures with their reports, the newest first."""
    return pages(Erasure, "erasures", limit=limit)


def erasure(erasure_id: UUID) -> Call[Erasure]:
    """Return an erasure with its report."""
    return get(Erasure, "erasures", erasure_id)


def erase(
    site: str, from_at: datetime, to_at: datetime, reason: str, camera: str | None = None
) -> Call[Erasure]:
    """Erase everything of a camera, or of a site, in a span of time."""
    json = plain({"site": site, "from_at": from_at, "to_at": to_at, "reason": reason})
    return post(Erasure, "erasures", json={**json, "camera": camera})


def audit(**filters: Unpack[EntriesOf]) -> Call[PageOf[Entry]]:
    """Go through the audit trail, the newest entry first."""
    return pages(Entry, "audit", **filters)
