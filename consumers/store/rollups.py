"""Counts and other figures per bucket of time, as the ETL has rolled them up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from psycopg import sql

from consumers.access.principal import Scope
from consumers.store.conditions import Conditions
from consumers.store.database import Connection
from consumers.store.spans import Look

Grain = Literal["minute", "hour", "local_day"]


@dataclass(frozen=True, slots=True)
class Rollup:
    """A table of rollups: what its rows are told apart by, beside time and camera, and its figures."""

    tables: dict[Grain, str]
    keys: tuple[str, ...]
    figures: tuple[str, ...]


def _same(table: str, *grains: Grain) -> dict[Grain, str]:
    return dict.fromkeys(grains, table)


COUNTS = Rollup(
    {"minute": "minute_counts", **_same("rollup_counts", "hour", "local_day")},
    ("sensor",),
    (
        *("forward", "backward", "entries", "exits", "minutes"),
        *("occupancy_max", "occupancy_sum", "dwell_total_s", "dwell_max_s"),
    ),
)
EVENTS = Rollup(
    _same("rollup_events", "minute", "hour", "local_day"),
    ("rule", "severity", "verdict", "mode"),
    (
        *("events", "closed", "triggers", "lasted_total_s", "lasted_max_s"),
        *("called_true", "called_false"),
    ),
)
CANDIDATES = Rollup(
    _same("rollup_candidates", "minute", "hour", "local_day"),
    ("rule",),
    (
        *("candidates", "accepted", "suppressed", "dismissed", "cooling", "shadow"),
        "false_positive_rate",
    ),
)
UPTIME = Rollup(
    _same("rollup_uptime", "hour", "local_day"),
    (),
    ("minutes", "seen_minutes", "online_minutes"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RollupFilter:
    """Which buckets."""

    site: str
    since: datetime
    until: datetime
    grain: Grain
    cameras: tuple[str, ...] = ()
    named: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Other columns with the values that are wanted."""


async def zone_of(connection: Connection, scope: Scope, site: str) -> str | None:
    """Return the time zone of a site; None where nothing of it may be seen.

    Raises:
        Retryable: Postgres does not answer.
    """
    if not (scope.everything or site in scope.sites or site in {one for one, _ in scope.cameras}):
        return None
    found = await connection.execute("SELECT timezone FROM sites WHERE site = %s", [site])
    row = await found.fetchone()
    return None if row is None else row["timezone"]


async def find_rollups(
    connection: Connection, scope: Scope, rollup: Rollup, asked: RollupFilter, look: Look
) -> list[dict[str, Any]]:
    """Return the rows of a page.

    Raises:
        Retryable: Postgres does not answer.
    """
    conditions = Conditions()
    conditions.among("camera", asked.cameras)
    for column, wanted in asked.named:
        conditions.among(column, wanted)
    names = ("site", "camera", *rollup.keys, "bucket_at", "ends_at", *rollup.figures)
    query = sql.SQL(
        "SELECT {names} FROM {table} WHERE grain = %(grain)s AND site = %(site)s "
        "AND bucket_at >= %(since)s AND bucket_at < %(until)s "
        "AND {scope} AND {tests} AND {place} ORDER BY {order} LIMIT %(rows)s"
    ).format(
        names=sql.SQL(", ").join(map(sql.Identifier, names)),
        table=sql.Identifier(rollup.tables[asked.grain]),
        scope=scope.condition(),
        tests=conditions.joined(),
        place=look.condition,
        order=look.order,
    )
    values = {
        **conditions.values,
        **look.values,
        "grain": asked.grain,
        "site": asked.site,
        "since": asked.since,
        "until": asked.until,
        "rows": look.rows,
    }
    return await (await connection.execute(query, values)).fetchall()


async def heat_of(
    connection: Connection, site: str, camera: str, day: date, zone: str
) -> dict[str, Any] | None:
    """Return where a camera's objects were on a day of its site's time zone.

    Raises:
        Retryable: Postgres does not answer.
    """
    found = await connection.execute(
        "SELECT bucket_at, ends_at, tracks, cells FROM rollup_heat WHERE grain = 'local_day' "
        "AND site = %s AND camera = %s AND bucket_at = %s::date::timestamp AT TIME ZONE %s",
        [site, camera, day, zone],
    )
    return await found.fetchone()
