"""Rollups made right again: a turn over marked buckets, or a rebuild of everything in a span."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from consumers.etl.buckets import Grain, Span, clip, floor, spans_between, spans_with
from consumers.etl.figures import SKIPPED, WRITTEN
from consumers.etl.marks import (
    GRAINS_OF,
    Moments,
    Turn,
    horizons,
    lock,
    put,
    take,
    time_zones,
)
from consumers.etl.postgres import Connection
from consumers.etl.rollups.registry import SUBJECTS
from consumers.etl.rollups.rollup import Cursor

SITES_AT_ONCE = 50
_NEXT: dict[Turn, Turn] = {"minute": "hour", "hour": "day", "day": "export"}
_INSTANT = timedelta(microseconds=1)


class _HorizonMovedError(Exception):
    """Retention began to remove rows while they were read."""


def take_turn(connection: Connection, subject: str, turn: Turn) -> int:
    """Compute the buckets of a subject whose marks wait for this turn; return how many marks.

    All in one transaction: what is interrupted is as if it had not begun. Returns 0 too while
    another worker is at it.
    """
    while True:
        try:
            return _take_turn(connection, subject, turn)
        except _HorizonMovedError:
            continue


def rebuild(
    connection: Connection, from_at: datetime, to_at: datetime, site: str | None = None
) -> Iterator[tuple[str, datetime, Counter[str]]]:
    """Compute every bucket that touches ``[from_at, to_at)``, whatever is marked.

    Yields subject, day and rows written by table, as each day of a subject is done. Buckets whose
    rows retention may have removed stay as they are.
    """
    sites = [
        name
        for (name,) in connection.execute(
            "SELECT site FROM sites WHERE %(site)s::text IS NULL OR site = %(site)s ORDER BY site",
            {"site": site},
        )
    ]
    day = floor(from_at, "day")
    while day < to_at:
        began, ended = max(day, from_at), min(day + timedelta(days=1), to_at)
        for subject in SUBJECTS:
            written: Counter[str] = Counter()
            for number in range(0, len(sites), SITES_AT_ONCE):
                chosen = sites[number : number + SITES_AT_ONCE]
                written += _rebuild(connection, subject, chosen, began, ended)
            yield subject, day, written
        day += timedelta(days=1)


def _take_turn(connection: Connection, subject: str, turn: Turn) -> int:
    with connection.transaction(), connection.cursor() as cursor:
        if not lock(cursor, subject, turn, wait=False):
            return 0
        number, moments = take(cursor, subject, turn)
        if not moments:
            return 0
        zones = time_zones(cursor, {site for site, _ in moments})
        computed: list[Span] = []
        with _kept(cursor, subject, {site for site, _ in moments}) as kept:
            for grain in GRAINS_OF[turn]:
                spans = spans_with(moments, grain, zones)
                _compute(cursor, subject, grain, spans, kept)
                computed += spans
        put(cursor, subject, _NEXT[turn], _later(turn, moments, computed))
        return number


def _rebuild(
    connection: Connection, subject: str, sites: Sequence[str], from_at: datetime, to_at: datetime
) -> Counter[str]:
    written: Counter[str] = Counter()
    for turn, grains in GRAINS_OF.items():
        while True:
            try:
                with connection.transaction(), connection.cursor() as cursor:
                    lock(cursor, subject, turn, wait=True)
                    zones = time_zones(cursor, sites)
                    with _kept(cursor, subject, set(sites)) as kept:
                        for grain in grains:
                            spans = [
                                span
                                for site in sites
                                for span in spans_between(
                                    site, from_at, to_at, grain, zones.get(site)
                                )
                            ]
                            written += _compute(cursor, subject, grain, spans, kept)
                            if turn == "day":
                                put(cursor, subject, "export", _later(turn, set(), spans))
                break
            except _HorizonMovedError:
                continue
    return written


@contextmanager
def _kept(cursor: Cursor, subject: str, sites: set[str]) -> Iterator[dict[str, datetime]]:
    """Yield from when on rows are whole; what is computed is undone if that moves meanwhile.

    Retention notes the horizon in a transaction of its own before it removes anything: so rows
    that were missing when we read have moved the horizon that we see afterwards.
    """
    kind = SUBJECTS[subject].kept_as
    before = horizons(cursor, kind, sites)
    yield before
    if horizons(cursor, kind, sites) != before:
        raise _HorizonMovedError


def _compute(
    cursor: Cursor,
    subject: str,
    grain: Grain,
    spans: Sequence[Span],
    kept: dict[str, datetime],
) -> Counter[str]:
    written: Counter[str] = Counter()
    for rollup in SUBJECTS[subject].rollups:
        if grain not in rollup.grains:
            continue
        whole: list[Span] = []
        for span in spans:
            horizon = kept.get(span.site)
            left = clip(span, grain, horizon + rollup.reach if horizon else None)
            if left is not None:
                whole.append(left)
            if left != span:
                SKIPPED.labels(rollup.table).inc()
        if whole:
            rows = rollup.compute(cursor, grain, whole)
            WRITTEN.labels(rollup.table).inc(rows)
            written[rollup.table] += rows
    return written


def _later(turn: Turn, moments: Moments, computed: Sequence[Span]) -> Moments:
    """Return what is to be marked for the next turn.

    In Parquet a bucket lies in the UTC day in which it ends.
    """
    if turn == "day":
        return {(span.site, floor(span.ends_at - _INSTANT, "day")) for span in computed}
    return {(site, floor(at, "hour")) for site, at in moments}
