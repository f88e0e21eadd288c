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
    """Stored rows of one kind and what is made of them.

    ``kept_as`` is the kind of retention that removes them; ``datasets`` are the Parquet data sets
    that hold them, those of its rollups aside.
    """

    kept_as: str
    rollups: tuple[Rollup, ...]
    datasets: tuple[str, ...]

    @property
    def exported(self) -> tuple[str, ...]:
        """All data sets that change with these rows."""
        return (*self.datasets, *(rollup.table for rollup in self.rollups))


SUBJECTS: Mapping[str, Subject] = {
    "events": Subject("events", (EVENTS,), ("events",)),
    "verdicts": Subject("candidates", (CANDIDATES,), ("verdicts",)),
    "counts": Subject("counts", (COUNTS,), ("counts",)),
    "tracks": Subject("tracks", (TRACKS, HEAT), ("tracks",)),
    "health": Subject("health", (UPTIME,), ()),
}
"""By the name under which triggers mark them (r0008_rollups.sql)."""
