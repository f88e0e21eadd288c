"""Buckets of time, and the spans of whole buckets that are computed at once. Pure.

A bucket is a minute, an hour or a day of UTC, or a day of the site's time zone, which has 23 or 25
hours twice a year and may begin at any quarter of an hour of UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Grain = Literal["minute", "hour", "day", "local_day"]
GRAINS: tuple[Grain, ...] = ("minute", "hour", "day", "local_day")
STEPS: Mapping[Grain, timedelta] = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}
"""How long a bucket is, where they all are alike."""
_START = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Whole buckets of a site from ``starts_at`` to ``ends_at``; of local days, just one."""

    site: str
    starts_at: datetime
    ends_at: datetime


def spans_with(
    moments: Iterable[tuple[str, datetime]], grain: Grain, zones: Mapping[str, ZoneInfo]
) -> list[Span]:
    """Return the spans of the buckets that hold these moments, given as (site, hour or minute).

    A moment stands for the whole hour from it on where the grain is a day: where a local day begins
    within that hour, both days are meant. ``zones`` are the sites'; by default UTC.

    >>> at = datetime(2026, 3, 29, 7, tzinfo=UTC)
    >>> [span] = spans_with([("a", at)], "local_day", {"a": ZoneInfo("Europe/Madrid")})
    >>> span.ends_at - span.starts_at
    datetime.timedelta(seconds=82800)
    """
    if grain == "local_day":
        days = {
            (site, moment.astimezone(zone).date())
            for site, at in moments
            for zone in [zones.get(site, UTC)]
            for moment in (at, at + STEPS["hour"] - timedelta(microseconds=1))
        }
        return [local_day(site, day, zones.get(site)) for site, day in sorted(days)]
    starts = {(site, floor(at, grain)) for site, at in moments}
    return list(_merged(Span(site, at, at + STEPS[grain]) for site, at in sorted(starts)))


def spans_between(
    site: str, from_at: datetime, to_at: datetime, grain: Grain, zone: ZoneInfo | None
) -> list[Span]:
    """Return the spans of all buckets of a site that touch ``[from_at, to_at)``."""
    if grain != "local_day":
        return [Span(site, floor(from_at, grain), ceiling(to_at, grain))]
    first = from_at.astimezone(zone or UTC).date()
    last = (to_at - timedelta(microseconds=1)).astimezone(zone or UTC).date()
    return [
        local_day(site, first + timedelta(days=number), zone)
        for number in range((last - first).days + 1)
    ]


def clip(span: Span, grain: Grain, kept_from: datetime | None) -> Span | None:
    """Return the part of a span whose buckets all begin at or after ``kept_from``, if any is left."""
    if kept_from is None or span.starts_at >= kept_from:
        return span
    if grain == "local_day":
        return None
    starts_at = ceiling(kept_from, grain)
    return Span(span.site, starts_at, span.ends_at) if starts_at < span.ends_at else None


def split(span: Span, grain: Grain) -> Iterator[Span]:
    """Yield the buckets of a span one by one."""
    if grain == "local_day":
        yield span
        return
    at = span.starts_at
    while at < span.ends_at:
        yield Span(span.site, at, at + STEPS[grain])
        at += STEPS[grain]


def local_day(site: str, day: date, zone: ZoneInfo | None) -> Span:
    """Return a calendar day of a time zone."""
    begins, ends = (
        datetime(one.year, one.month, one.day, tzinfo=zone or UTC).astimezone(UTC)
        for one in (day, day + timedelta(days=1))
    )
    return Span(site, begins, ends)


def floor(at: datetime, grain: Grain) -> datetime:
    """Return the start of the bucket of UTC that holds ``at``."""
    return _START + (at - _START) // STEPS[grain] * STEPS[grain]


def ceiling(at: datetime, grain: Grain) -> datetime:
    """Return the start of the first bucket of UTC that begins at or after ``at``."""
    return _START - (_START - at) // STEPS[grain] * STEPS[grain]


def _merged(spans: Iterable[Span]) -> Iterator[Span]:
    """Yield sorted spans, those of a site that touch as one."""
    last: Span | None = None
    for span in spans:
        if last is not None and (last.site, last.ends_at) == (span.site, span.starts_at):
            last = Span(last.site, last.starts_at, span.ends_at)
            continue
        if last is not None:
            yield last
        last = span
    if last is not None:
        yield last
