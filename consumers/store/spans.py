"""Looking through days in growing spans, so that a page reads the few partitions that fill it.

A query over all days plans and opens every partition of a table, to return a hundred rows that
lie in one or two of them. So a list asks for a day first, then for three, nine and so on, until its
page is full; each bound is a constant, by which Postgres leaves partitions out as it plans.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import sql

from consumers.store.database import Connection

BEGINNING = datetime(1, 1, 2, tzinfo=UTC)
END = datetime(9999, 12, 30, tzinfo=UTC)
"""Within what Python can hold in any zone."""
FIRST_DAYS, GROWTH, SPANS = 1, 3, 5
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Where in a list a page begins, and how many rows it has."""

    rows: int
    order: sql.Composable
    condition: sql.Composable
    """Of the place behind the row before the page, with its values."""
    values: Mapping[str, Any]
    reached: datetime | None
    """The time of the row before the page."""
    newest_first: bool = True

    def spans(
        self,
        since: datetime | None,
        until: datetime | None,
        now: datetime,
        first: timedelta | None = None,
    ) -> Iterator[Span]:
        """Yield the spans that the page may lie in, of ``[since, until)``.

        ``first``: the newest are looked for in so short a span before the days.
        """
        reached = self.reached
        if not self.newest_first:
            low = max((at for at in (since, reached) if at is not None), default=None)
            return rising_spans(low, until, now)
        if reached is not None:
            behind = min(reached, END) + timedelta(microseconds=1)
            until = behind if until is None else min(until, behind)
        return spans(since, until, now, first)


def spans(
    since: datetime | None,
    until: datetime | None,
    now: datetime,
    first: timedelta | None = None,
) -> Iterator[Span]:
    """Yield ``[low, high)`` from the newest back, together exactly ``[since, until)``.

    >>> days = [(low.day, high.day) for low, high in spans(
    ...     datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 9, tzinfo=UTC), END)]
    >>> days
    [(8, 9), (5, 8), (1, 5)]
    """
    floor, high = since or BEGINNING, until or END
    if first is not None and min(high, now) - floor > first:
        low = min(high, now) - first
        yield low, high
        high = low
    start = min(high, now).replace(hour=0, minute=0, second=0, microsecond=0)
    days = FIRST_DAYS
    for _ in range(SPANS):
        if start - floor <= timedelta(days=days):
            break
        low = start - timedelta(days=days)
        yield low, high
        high = start = low
        days *= GROWTH
    if floor < high:
        yield floor, high


def rising_spans(since: datetime | None, until: datetime | None, now: datetime) -> Iterator[Span]:
    """Yield the same spans of ``[since, until)`` from the oldest on; from no start, one span."""
    low, ceiling = since or BEGINNING, until or END
    days = FIRST_DAYS
    while since is not None and low < now and ceiling - low > timedelta(days=days):
        midnight = low.replace(hour=0, minute=0, second=0, microsecond=0)
        high = midnight + timedelta(days=days + 1)
        yield low, high
        low = high
        days *= GROWTH
    if low < ceiling:
        yield low, ceiling


@dataclass(frozen=True, slots=True)
class Seen:
    """What a page holds."""

    rows: list[dict[str, Any]]
    stopped_at: datetime | None = None
    """The page is not full, and beyond this nothing was looked at; None: full, or there is no more."""


async def read_spans(
    connection: Connection,
    query: sql.Composed,
    values: Mapping[str, Any],
    looking: Iterator[Span],
    look: Look,
    affordable: Callable[[Span], bool] = lambda _: True,
) -> Seen:
    """Run a query with the parameters ``low``, ``high`` and ``rows`` until it fills a page.

    It stops before the first span that is not ``affordable``; the first of all is read anyway.
    """
    found: list[dict[str, Any]] = []
    for number, span in enumerate(looking):
        low, high = span
        if not affordable(span) and number > 0:
            return Seen(found, high if look.newest_first else low)
        bounds = {**values, "low": low, "high": high, "rows": look.rows - len(found)}
        # Not prepared: a plan for any span would open every partition.
        found += await (await connection.execute(query, bounds, prepare=False)).fetchall()
        if len(found) >= look.rows:
            break
    return Seen(found)
