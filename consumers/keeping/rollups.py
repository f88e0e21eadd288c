"""Erasure in the rollups of times whose rows retention may have removed.

Younger ones are made anew from the rows that are left. A bucket that nobody can compute any more
cannot be divided either: of the camera it goes as a whole, also where it reaches beyond the span.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from psycopg import sql

from consumers.etl.buckets import STEPS, Grain, floor
from consumers.etl.marks import GRAINS_OF, horizons, lock, put
from consumers.etl.recomputing import rebuild
from consumers.etl.rollups.registry import SUBJECTS
from consumers.etl.rollups.rollup import Cursor, Rollup
from consumers.keeping.erasure import Erasure
from consumers.keeping.sweeping import Connection

LONGEST_BUCKET = timedelta(hours=25)
_INSTANT = timedelta(microseconds=1)


def erase_rollups(connection: Connection, erasure: Erasure) -> tuple[Counter[str], Counter[str]]:
    """Remove the buckets that touch the span and are not computed any more.

    Returns, by table, how many rows went, and how many of them reached beyond the span.
    """
    gone: Counter[str] = Counter()
    beyond: Counter[str] = Counter()
    for subject, made in SUBJECTS.items():
        for turn, grains in GRAINS_OF.items():
            # A turn that began before the horizon moved must not write them again.
            with connection.transaction(), connection.cursor() as cursor:
                lock(cursor, subject, turn, wait=True)
                horizon = horizons(cursor, made.kept_as, [erasure.site]).get(erasure.site)
                if horizon is None:
                    continue
                days: set[datetime] = set()
                for rollup in made.rollups:
                    went = _remove(cursor, rollup, grains, erasure, horizon)
                    gone[rollup.table] += sum(went.values())
                    beyond[rollup.table] += sum(rows for (_, over), rows in went.items() if over)
                    days |= {day for day, _ in went}
                put(cursor, subject, "export", {(erasure.site, day) for day in days})
    return gone, beyond


def rebuild_marked(connection: Connection, erasure: Erasure) -> None:
    """Compute the days of the site, up to the span's, of which anything is marked.

    Whoever takes the marks does the same; but their rows' time might be over by then, and figures
    that were not made anew would stay.
    """
    marked = connection.execute(
        "SELECT DISTINCT date_trunc('day', at, 'UTC') FROM rollup_marks "
        "WHERE grain <> 'export' AND site = %s AND at < %s ORDER BY 1",
        [erasure.site, erasure.to_at],
    ).fetchall()
    for (day,) in marked:
        for _ in rebuild(connection, day, day + STEPS["day"], erasure.site):
            pass


def _remove(
    cursor: Cursor,
    rollup: Rollup,
    grains: tuple[Grain, ...],
    erasure: Erasure,
    horizon: datetime,
) -> Mapping[tuple[datetime, bool], int]:
    """Return how many rows went by the UTC day in which they end and whether they reached beyond."""
    query = sql.SQL(
        "DELETE FROM {} WHERE site = %(site)s AND grain = ANY(%(grains)s) "
        "AND (%(camera)s::text IS NULL OR camera = %(camera)s) "
        "AND bucket_at > %(from_at)s - %(longest)s AND ends_at > %(from_at)s "
        "AND bucket_at < %(to_at)s AND bucket_at < %(computed_from)s "
        "RETURNING ends_at, bucket_at < %(from_at)s OR ends_at > %(to_at)s"
    ).format(sql.Identifier(rollup.table))
    values = {
        "site": erasure.site,
        "grains": [grain for grain in grains if grain in rollup.grains],
        "camera": erasure.camera,
        "from_at": erasure.from_at,
        "to_at": erasure.to_at,
        "longest": LONGEST_BUCKET,
        "computed_from": horizon + rollup.reach,
    }
    rows = cursor.execute(query, values).fetchall()
    return Counter((floor(ends_at - _INSTANT, "day"), beyond) for ends_at, beyond in rows)
