"""What is kept for how long, and which tables it lies in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a retention is set for."""

    EVENTS = "events"
    """Events with all their changes."""
    CANDIDATES = "candidates"
    """Candidates and the verdicts on them, suppressed ones included."""
    EVIDENCE = "evidence"
    """Pictures and clips, in the index and in object storage."""
    TRACKS = "tracks"
    COUNTS = "counts"
    """Counts per minute; rollups stay."""
    HEALTH = "health"
    """What was said of cameras and processes; uptime stays."""


DEFAULT_DAYS = {
    Kind.EVENTS: 365,
    Kind.CANDIDATES: 90,
    Kind.EVIDENCE: 90,
    Kind.TRACKS: 30,
    Kind.COUNTS: 730,
    Kind.HEALTH: 400,
}
"""For an organisation that has set nothing, and for sites that nobody owns."""


@dataclass(frozen=True, slots=True)
class KeptTable:
    """A table of a kind; of its rows ``held`` keeps those that a legal hold names."""

    name: str
    kind: Kind
    at: str
    """The column of the time that counts."""
    parted: bool
    """By day of that time."""
    held: str = "false"
    """SQL: the row of the table belongs to an event on hold."""
    until: str | None = None
    """The column of the time that it lasts until; by default it is one moment."""


_HELD_EVENT = (
    "EXISTS (SELECT FROM holds WHERE holds.event_id = {table}.event_id AND released_at IS NULL)"
)
_HELD_CANDIDATE = (
    "EXISTS (SELECT FROM holds JOIN verdicts AS held USING (event_id) "
    "WHERE held.candidate_id = {table}.candidate_id AND released_at IS NULL)"
)
EVIDENCE = KeptTable(
    "evidence",
    Kind.EVIDENCE,
    "from_at",
    parted=False,
    held=f"({_HELD_EVENT} OR {_HELD_CANDIDATE})".format(table="evidence"),
    until="to_at",
)
"""Its objects go before its rows, so it is swept apart."""
TABLES = (
    KeptTable("events", Kind.EVENTS, "opened_at", True, _HELD_EVENT.format(table="events")),
    KeptTable(
        "event_changes", Kind.EVENTS, "opened_at", True, _HELD_EVENT.format(table="event_changes")
    ),
    # What people did with events, and told the sites of them.
    KeptTable(
        "event_history", Kind.EVENTS, "opened_at", False, _HELD_EVENT.format(table="event_history")
    ),
    KeptTable("feedback", Kind.EVENTS, "subject_at", False, _HELD_EVENT.format(table="feedback")),
    KeptTable(
        "verdicts", Kind.CANDIDATES, "matched_at", True, _HELD_EVENT.format(table="verdicts")
    ),
    KeptTable("tracks", Kind.TRACKS, "started_at", True, until="ended_at"),
    KeptTable("counts", Kind.COUNTS, "minute_at", False),
    KeptTable("health_changes", Kind.HEALTH, "at", False),
    KeptTable("health_minutes", Kind.HEALTH, "hour_at", False),
)
