"""From a delivery to the message that goes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from consumers.notify.links import Links
from consumers.notify.message import (
    Message,
    collected_text,
    collected_title,
    text_of,
    title_of,
)
from consumers.notify.occurrence import Occurrence
from consumers.notify.outbox import Claim

TEST_TITLE = "Test of notifications"
TEST_TEXT = "This is a test. Notifications arrive here."


def compose(claim: Claim, links: Links, now_at: int) -> Message:
    """Return the message of a claimed delivery."""
    row = claim.row
    common: dict[str, Any] = {
        "delivery_id": claim.delivery_id,
        "organisation_id": row["organisation_id"],
        "number": row["number"],
        "attempt": row["attempts"],
        "kind": row["kind"],
        "sent_at": now_at,
    }
    content: Mapping[str, Any] = row["content"] or {}
    match row["kind"]:
        case "event":
            about, state = Occurrence.of_document(content), row["event_state"]
            return Message(
                **common,
                state=state,
                title=title_of(about, state),
                text=text_of(about, state),
                url=links.event(about.event_id),
                snapshot_url=links.snapshot(claim.snapshot),
                occurrence=about,
            )
        case "test":
            return Message(
                **common,
                state="",
                title=TEST_TITLE,
                text=TEST_TEXT,
                url=links.events(),
                snapshot_url=None,
                count=0,
            )
        case kind:
            items = tuple(Occurrence.of_document(one) for one in content["items"])
            return Message(
                **common,
                state="",
                title=collected_title(kind, content["count"]),
                text=collected_text(items, content["count"]),
                url=links.events(),
                snapshot_url=None,
                items=items,
                count=content["count"],
            )
