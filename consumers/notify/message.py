"""A message as targets get it: its text, its links, and what it is about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from consumers.notify.occurrence import Occurrence
from schemas.site.timezones import zone, zone_names

MessageKind = Literal["event", "digest", "summary", "test"]
MAX_LINES = 20
MAX_LINE_CHARACTERS = 500
_STATES = {"opened": "", "updated": " (goes on)", "closed": " (over)", "escalated": " (unanswered)"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message to one target."""

    delivery_id: UUID
    """The same at every try: a target that has seen it may drop it."""
    organisation_id: UUID
    number: int
    """Rises with each message to the target, from 1; the same at every try."""
    attempt: int
    """From 1; above it the message may have come before."""
    kind: MessageKind
    state: str
    """Of the event: opened, updated, closed or escalated; empty where it is about several."""
    title: str
    text: str
    """Several lines, without a link."""
    url: str
    """Where a person sees more."""
    snapshot_url: str | None
    """Signed, good for a short while."""
    sent_at: int
    """UTC ms."""
    occurrence: Occurrence | None = None
    items: tuple[Occurrence, ...] = ()
    """Of a digest or summary, oldest first; at most ``MAX_LINES``."""
    count: int = 1
    """How many events it is about."""


def title_of(occurrence: Occurrence, state: str) -> str:
    """Say what happened where, in one line."""
    what = occurrence.class_name or "something"
    return _line(
        f"{_severity(occurrence)}{occurrence.rule} at {occurrence.site_name}, "
        f"{occurrence.camera}: {what}{_STATES.get(state, '')}"
    )


def text_of(occurrence: Occurrence, state: str) -> str:
    """Say what, where, when, how sure, in a few lines."""
    lines = [
        f"What: {occurrence.rule} ({occurrence.severity}){_STATES.get(state, '')}",
        f"Where: {occurrence.site_name}, camera {occurrence.camera}, {occurrence.sensor}",
        f"When: {local_time(occurrence.opened_at, occurrence.timezone)}",
    ]
    if occurrence.closed_at is not None:
        lines.append(f"Until: {local_time(occurrence.closed_at, occurrence.timezone)}")
    seen = occurrence.class_name or "no object"
    lines.append(f"Seen: {seen}, score {occurrence.score:.2f}, {occurrence.verdict}")
    if occurrence.level is not None:
        lines.append(f"Level: {occurrence.level} of 4 (TMA-AVS-01)")
    if state == "escalated":
        lines.append("Nobody has acknowledged it.")
    return "\n".join(map(_line, lines))


def collected_title(kind: MessageKind, count: int) -> str:
    """Say how many events a digest or summary is about."""
    events = "1 event" if count == 1 else f"{count} events"
    return f"{events} held back" if kind == "summary" else f"{events} collected"


def collected_text(items: Sequence[Occurrence], count: int) -> str:
    """List the events of a digest or summary, by place and rule and then one by one."""
    kinds = Counter((one.site_name, one.camera, one.rule) for one in items)
    lines = [
        f"{number} x {rule} at {site}, {camera}"
        for (site, camera, rule), number in kinds.most_common(MAX_LINES)
    ]
    lines.append("")
    for one in items[:MAX_LINES]:
        when = local_time(one.opened_at, one.timezone)
        lines.append(f"{when}  {title_of(one, one.state)}")
    if count > len(items[:MAX_LINES]):
        lines.append(f"... and {count - len(items[:MAX_LINES])} more")
    return "\n".join(map(_line, lines))


def local_time(at: int, timezone: str) -> str:
    """Return a time by the clock on the wall.

    >>> local_time(1_700_000_000_000, "Europe/Madrid")
    '2023-11-14 23:13:20 CET'
    """
    name = timezone if timezone in zone_names() else "UTC"
    try:
        local = datetime.fromtimestamp(at / 1000, UTC).astimezone(zone(name))
    except (ValueError, OverflowError, OSError):
        return f"{at} ms"
    return local.strftime("%Y-%m-%d %H:%M:%S %Z")


def _severity(occurrence: Occurrence) -> str:
    return "" if occurrence.severity == "info" else f"{occurrence.severity.capitalize()}: "


def _line(text: str) -> str:
    # What a site sends must not break out of a header or a line.
    return "".join(c if c.isprintable() else " " for c in text[:MAX_LINE_CHARACTERS])
