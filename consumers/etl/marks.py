"""Marks: what changed and is to be computed, and how they are taken without missing any.

Triggers write a mark in the transaction that changes the rows. A turn takes marks away first and
computes afterwards, by a later statement at READ COMMITTED: so it sees the rows of every mark that
it took. What commits later has marks of its own. Two turns on the same buckets exclude each other
by an advisory lock, for the slower one would write what the faster knew better.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from consumers.etl.buckets import Grain
from consumers.etl.postgres import Connection
from consumers.etl.rollups.rollup import Cursor
from schemas.site.timezones import zone, zone_names

Turn = Literal["minute", "hour", "day", "export"]
GRAINS_OF: Mapping[Turn, tuple[Grain, ...]] = {
    "minute": ("minute",),
    "hour": ("hour",),
    "day": ("day", "local_day"),
}
"""Marks wait for the turn of minutes, then of hours, of days, and of Parquet."""
CLOSED_AFTER = timedelta(days=1, hours=2)
"""A UTC day is over so long after its start: by then most of it has arrived."""
AT_ONCE = 50_000
"""Marks that a turn takes."""

Moments = set[tuple[str, datetime]]
"""Sites and times."""


def lock(cursor: Cursor, subject: str, turn: Turn, *, wait: bool) -> bool:
    """Keep others from the same turn until the transaction ends; False if one is at it."""
    function = "pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock"
    row = cursor.execute(
        f"SELECT {function}(hashtextextended(%s, 0))::text", [f"sightline/{turn}/{subject}"]
    ).fetchone()
    return wait or (row is not None and row[0] == "true")


def take(cursor: Cursor, subject: str, turn: Turn) -> tuple[int, Moments]:
    """Take marks away; return how many they were, and what they name."""
    rows = cursor.execute(
        "WITH taken AS (DELETE FROM rollup_marks WHERE ctid = ANY(ARRAY("
        "SELECT ctid FROM rollup_marks WHERE grain = %s AND subject = %s LIMIT %s"
        ")) RETURNING site, at) SELECT site, at, count(*) FROM taken GROUP BY site, at",
        [turn, subject, AT_ONCE],
    ).fetchall()
    return sum(count for _, _, count in rows), {(site, at) for site, at, _ in rows}


def put(cursor: Cursor, subject: str, turn: Turn, moments: Moments) -> None:
    """Write marks for a later turn."""
    ordered = sorted(moments)
    cursor.execute(
        "INSERT INTO rollup_marks (grain, subject, site, at) "
        "SELECT %s, %s, site, at FROM unnest(%s::text[], %s::timestamptz[]) AS marked (site, at)",
        [turn, subject, [site for site, _ in ordered], [at for _, at in ordered]],
    )


def time_zones(cursor: Cursor, sites: Iterable[str]) -> dict[str, ZoneInfo]:
    """Return the time zones of sites; one of a name that nobody knows is left out."""
    rows = cursor.execute(
        "SELECT site, timezone FROM sites WHERE site = ANY(%s)", [sorted(set(sites))]
    ).fetchall()
    return {site: zone(name) for site, name in rows if name in zone_names()}


def horizons(cursor: Cursor, kind: str, sites: Iterable[str]) -> dict[str, datetime]:
    """Return from when on the rows of a kind are whole, for sites where some were removed."""
    return dict(
        cursor.execute(
            "SELECT site, kept_from FROM retention_horizon WHERE kind = %s AND site = ANY(%s)",
            [kind, sorted(set(sites))],
        ).fetchall()
    )


def waiting(connection: Connection) -> dict[str, tuple[int, float]]:
    """Return for each turn how many marks wait, and the age in seconds of the oldest.

    Of a day that is not over nothing waits for Parquet.
    """
    rows = connection.execute(
        "SELECT grain, count(*), extract(epoch FROM clock_timestamp() - min("
        "CASE WHEN grain = 'export' THEN greatest(marked_at, at + %s) ELSE marked_at END))::float8 "
        "FROM rollup_marks WHERE grain <> 'export' OR at <= clock_timestamp() - %s GROUP BY grain",
        [CLOSED_AFTER, CLOSED_AFTER],
    ).fetchall()
    return {turn: (count, max(0.0, age_s)) for turn, count, age_s in rows}
