"""Counts, figures, heat maps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal, TypedDict, Unpack

from consumers.api.shapes.rollups import CandidateFigures, Count, EventFigures, HeatMap, Uptime
from consumers.client.calls import Call, PageOf, get, pages


class BucketsOf(TypedDict, total=False):
    """Filters of figures."""

    until: datetime
    camera: Sequence[str]
    sensor: Sequence[str]
    """Of counts."""
    rule: Sequence[str]
    """Of figures of events and candidates."""
    bucket: Literal["minute", "hour", "day"]
    limit: int


def counts(site: str, since: datetime, **filters: Unpack[BucketsOf]) -> Call[PageOf[Count]]:
    """List counts."""
    return pages(Count, "counts", site=site, since=since, **filters)


def event_figures(
    site: str, since: datetime, **filters: Unpack[BucketsOf]
) -> Call[PageOf[EventFigures]]:
    """List figures of events."""
    return pages(EventFigures, "figures", "events", site=site, since=since, **filters)


def candidate_figures(
    site: str, since: datetime, **filters: Unpack[BucketsOf]
) -> Call[PageOf[CandidateFigures]]:
    """List figures of candidates."""
    return pages(CandidateFigures, "figures", "candidates", site=site, since=since, **filters)


def uptime(site: str, since: datetime, **filters: Unpack[BucketsOf]) -> Call[PageOf[Uptime]]:
    """List for how long cameras were there."""
    return pages(Uptime, "figures", "uptime", site=site, since=since, **filters)


def heat_map(site: str, camera: str, day: date) -> Call[HeatMap]:
    """Show a heat map."""
    return get(HeatMap, "cameras", site, camera, "heat-map", day=day)
