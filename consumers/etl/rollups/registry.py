"""Which rollups are made of which stored rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from consumers.etl.rollups.counts import COUNTS
from consumers.etl.rollups.events import CANDIDATES, EVENTS
from consumers.etl.rollups.heat import HEAT
from consumers.etl.rollups.rollup import Rollup
from consumers.etl.rollups.tracks import TRACKS
from consumers.etl.rollups.uptime import UPTIME


@dataclass(frozen=True, slots=True)
class Subject:
    """Stored rows of one kind, and what is made of them.

    ``kept_as`` is the kind of retention that removes the rows.
    """

    kept_as: str
    rollups: tuple[Rollup, ...]


SUBJECTS: Mapping[str, Subject] = {
    "events": Subject("events", (EVENTS,)),
    "verdicts": Subject("candidates", (CANDIDATES,)),
    "counts": Subject("counts", (COUNTS,)),
    "tracks": Subject("tracks", (TRACKS, HEAT)),
    "health": Subject("health", (UPTIME,)),
}
"""By the name under which triggers mark them (r0008_rollups.sql)."""
