"""Who crossed this polygon or line between these times: narrowed by Postgres, decided exactly here.

Postgres narrows by camera, time and the box around each path. What is left is decided path by path,
in rounds; a request looks at so many tracks at most, and its cursor says how far it came.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import shapely
from psycopg import sql
from shapely import Polygon

from consumers.access.principal import Scope
from consumers.api.paging import Keyset
from consumers.documents.crossing import Crossing, Direction, Path, Stay, crossings, stays
from consumers.store.database import Connection

NEWEST_FIRST = Keyset(("started_at", datetime), ("track_id", str), descending=True)
ROUND = 500
MOST_EXAMINED = 5_000
"""Tracks whose paths one request looks at: about a second of one core."""
LONG = timedelta(hours=1)
"""Tracks that last longer are found by an index of their own."""
Row = Mapping[str, Any]
COLUMNS = sql.SQL(
    "track_id, site, camera, epoch_at, class_name, score_mean, score_max, observations, started_at, "
    "ended_at, zones, colours, config_version, model, model_version"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Which tracks are meant; what is empty or None restricts nothing."""

    site: str
    since: datetime
    until: datetime
    cameras: Collection[str] = ()
    classes: Collection[str] = ()
    zones: Collection[str] = ()
    polygon: Polygon | None = None
    line: Sequence[tuple[float, float]] = ()
    direction: Direction | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A track that fits, and when it was where it was asked for."""

    row: Row
    stays: tuple[Stay, ...] = ()
    crossings: tuple[Crossing, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """What a request found, and the cursor of where it stopped; None at the end."""

    found: list[Found]
    following: str | None


async def search(
    connection: Connection, scope: Scope, wanted: Search, cursor: str | None, limit: int
) -> Batch:
    """Return up to ``limit`` tracks that fit, those that began last first.

    Fewer may come although there are more: then ``following`` goes on where the work was stopped.

    Raises:
        Problem: 422, the cursor is none of this list's.
    """
    found: list[Found] = []
    examined = 0
    while examined < MOST_EXAMINED:
        rows = await _rows(connection, scope, wanted, cursor)
        for fit in await asyncio.to_thread(_examine, rows, wanted):
            found.append(fit)
            if len(found) == limit:
                return Batch(found, NEWEST_FIRST.cursor(fit.row))
        if len(rows) < ROUND:
            return Batch(found, None)
        examined += len(rows)
        cursor = NEWEST_FIRST.cursor(rows[-1])
    return Batch(found, cursor)


def _examine(rows: Sequence[Row], wanted: Search) -> list[Found]:
    return [found for row in rows if (found := _fit(row, wanted)) is not None]


def _fit(row: Row, wanted: Search) -> Found | None:
    if wanted.polygon is None and not wanted.line:
        return Found(row)
    path = Path.from_triples(row["path"])
    since_s = (wanted.since - row["started_at"]).total_seconds()
    until_s = (wanted.until - row["started_at"]).total_seconds()
    inside: tuple[Stay, ...] = ()
    if wanted.polygon is not None:
        inside = tuple(
            stay
            for stay in stays(path, wanted.polygon)
            if stay.until_s >= since_s and stay.from_s < until_s
        )
        if not inside:
            return None
    crossed: tuple[Crossing, ...] = ()
    if wanted.line:
        crossed = tuple(
            one
            for one in crossings(path, wanted.line)
            if since_s <= one.at_s < until_s and wanted.direction in (None, one.direction)
        )
        if not crossed:
            return None
    return Found(row, inside, crossed)


async def _rows(
    connection: Connection, scope: Scope, wanted: Search, cursor: str | None
) -> list[dict[str, Any]]:
    place = NEWEST_FIRST.place(cursor)
    tests = [
        sql.SQL("site = %(site)s"),
        sql.SQL("started_at < %(until)s"),
        sql.SQL("ended_at >= %(since)s"),
        scope.condition(),
        place.condition,
    ]
    values: dict[str, Any] = {
        **place.values,
        "site": wanted.site,
        "since": wanted.since,
        "until": wanted.until,
        "near": wanted.since - LONG,
        "rows": ROUND,
    }
    if wanted.cameras:
        tests.append(sql.SQL("camera = ANY(%(cameras)s)"))
        values["cameras"] = list(wanted.cameras)
    if wanted.classes:
        tests.append(sql.SQL("class_name = ANY(%(classes)s)"))
        values["classes"] = list(wanted.classes)
    if wanted.zones:
        tests.append(sql.SQL("zones && %(zones)s"))
        values["zones"] = list(wanted.zones)
    shapes = ([wanted.polygon] if wanted.polygon else []) + (
        [shapely.LineString(wanted.line)] if wanted.line else []
    )
    for number, shape in enumerate(shapes):
        left, top, right, bottom = shape.bounds
        tests.append(sql.SQL("area && {}::box").format(sql.Placeholder(f"box_{number}")))
        values[f"box_{number}"] = f"({right!r},{bottom!r}),({left!r},{top!r})"
    columns = COLUMNS + sql.SQL(", path") if shapes else COLUMNS
    one = sql.SQL("(SELECT {} FROM tracks WHERE {} AND {} ORDER BY {} LIMIT %(rows)s)")
    query = sql.SQL(" UNION ALL ").join(
        one.format(columns, sql.SQL(" AND ").join(tests), sql.SQL(when), NEWEST_FIRST.order())
        for when in (
            "started_at >= %(near)s",
            "started_at < %(near)s AND ended_at - started_at > interval '1 hour'",
        )
    )
    whole = sql.SQL("SELECT * FROM ({}) AS tracks ORDER BY {} LIMIT %(rows)s")
    return await (
        await connection.execute(whole.format(query, NEWEST_FIRST.order()), values)
    ).fetchall()
