"""Counts and other figures per bucket of time."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import Field

from consumers.api.shapes.common import Shown

COLUMNS, ROWS = 32, 18


class Bucket(Shown):
    """Figures of `[bucket_at, ends_at)`."""

    site: str
    camera: str
    bucket_at: datetime
    ends_at: datetime


class Count(Bucket):
    """What a sensor counted."""

    sensor: str
    forward: int
    backward: int
    entries: int
    exits: int
    minutes: int = Field(description="In so many minutes something happened.")
    occupancy_max: int
    occupancy_sum: int = Field(description="Of each minute's maximum: divide by `minutes`.")
    dwell_total_s: float
    dwell_max_s: float


class EventFigures(Bucket):
    """Events opened in the bucket."""

    rule: str
    severity: str
    verdict: str
    mode: str
    events: int
    closed: int
    triggers: int
    lasted_total_s: float
    lasted_max_s: float
    called_true: int = Field(description="By operators.")
    called_false: int = Field(description="By operators.")


class CandidateFigures(Bucket):
    """What the filter made of the candidates of the bucket."""

    rule: str
    candidates: int
    accepted: int
    suppressed: int
    dismissed: int
    cooling: int
    shadow: int
    false_positive_rate: float


class Uptime(Bucket):
    """For how much of the bucket a camera was there."""

    minutes: int
    seen_minutes: int = Field(description="In which anything was heard of it.")
    online_minutes: int


class HeatMap(Shown):
    """Where a camera's objects were on one day of its site's time zone."""

    site: str
    camera: str
    day: date
    timezone: str
    from_at: datetime
    to_at: datetime
    tracks: int
    columns: int = COLUMNS
    rows: int = ROWS
    cells_ms: list[int] = Field(
        description="Milliseconds that objects spent in each cell, row by row from the top left."
    )
