"""What a rollup is: a table whose rows are a function of stored rows, bucket by bucket.

Figures are sums of whole numbers, counts and maxima, so that the order of rows changes no bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, LiteralString, Protocol

import psycopg

from consumers.etl.buckets import Grain, Span, split

Cursor = psycopg.Cursor[tuple[Any, ...]]
CELLS = 13
"""Of a histogram: one more than ``sightline_dwell_bounds`` has bounds."""
CELL_OF: LiteralString = "width_bucket({}, sightline_dwell_bounds())"
"""SQL for the cell (0 to 12) that a time in seconds falls into."""


class Rollup(Protocol):
    """One table of rollups."""

    @property
    def table(self) -> LiteralString:
        """Its name."""

    @property
    def grains(self) -> tuple[Grain, ...]:
        """The buckets that it has."""

    @property
    def reach(self) -> timedelta:
        """How far before its start a bucket depends on rows."""

    def compute(self, cursor: Cursor, grain: Grain, spans: Sequence[Span]) -> int:
        """Make the rows of all buckets of the spans what the stored rows say.

        Returns how many rows of the table were written or went.
        """


@dataclass(frozen=True, slots=True)
class SqlRollup:
    """A rollup that one statement computes.

    ``fresh`` selects site, bucket_at, ends_at, ``keys`` and ``values`` from ``scope`` (site,
    starts_at, ends_at) joined with stored rows. In it ``{within}`` is the condition that the rows'
    time ``at`` lies in the span, and ``{bucket}`` the first three columns.
    """

    table: LiteralString
    at: LiteralString
    keys: tuple[LiteralString, ...]
    values: tuple[LiteralString, ...]
    fresh: LiteralString
    grains: tuple[Grain, ...] = ("hour", "day", "local_day")
    reach: timedelta = timedelta()

    def compute(self, cursor: Cursor, grain: Grain, spans: Sequence[Span]) -> int:
        """Compute all buckets of the spans at once."""
        if grain != "minute":
            # One by one they need no arithmetic on every row; of minutes there are too many.
            spans = [bucket for span in spans for bucket in split(span, grain)]
        fresh = self.fresh.format(within=_within(self.at), bucket=_bucket(self.at, grain))
        statement = merge(self.table, self.keys, self.values, fresh)
        return cursor.execute(statement, scope_values(grain, spans)).rowcount


def merge(
    table: LiteralString,
    keys: Sequence[LiteralString],
    values: Sequence[LiteralString],
    fresh: LiteralString,
) -> LiteralString:
    """Return the statement that makes the rows of a scope those that ``fresh`` selects.

    Rows that stay as they are are not written; its row count is that of the others.
    """
    places = ", ".join(("site", "bucket_at", *keys))
    columns = ", ".join(("site", "bucket_at", *keys, "ends_at", *values))
    same = " AND ".join(f"fresh.{key} = old.{key}" for key in ("site", "bucket_at", *keys))
    changing = ("ends_at", *values)
    return f"""
WITH scope AS MATERIALIZED (
    SELECT * FROM unnest(%(sites)s::text[], %(starts)s::timestamptz[], %(ends)s::timestamptz[])
        AS scope (site, starts_at, ends_at)
), fresh AS MATERIALIZED ({fresh}
), gone AS (
    DELETE FROM {table} AS old USING scope
    WHERE old.grain = %(grain)s AND old.site = scope.site
        AND old.bucket_at >= scope.starts_at AND old.bucket_at < scope.ends_at
        AND NOT EXISTS (SELECT FROM fresh WHERE {same})
    RETURNING 1
), written AS (
    INSERT INTO {table} AS old (grain, {columns}) SELECT %(grain)s, {columns} FROM fresh
    ON CONFLICT (grain, {places}) DO UPDATE
    SET {", ".join(f"{name} = EXCLUDED.{name}" for name in changing)}
    WHERE ({", ".join(f"old.{name}" for name in changing)})
        IS DISTINCT FROM ({", ".join(f"EXCLUDED.{name}" for name in changing)})
    RETURNING 1
)
SELECT FROM gone UNION ALL SELECT FROM written
"""


def scope_values(grain: Grain, spans: Sequence[Span]) -> dict[str, object]:
    """Return the parameters of a statement over these spans."""
    return {
        "grain": grain,
        "sites": [span.site for span in spans],
        "starts": [span.starts_at for span in spans],
        "ends": [span.ends_at for span in spans],
        "first": min(span.starts_at for span in spans),
        "last": max(span.ends_at for span in spans),
    }


def histogram(*amounts: tuple[LiteralString, LiteralString]) -> LiteralString:
    """Return SQL for a histogram: pairs of the cell of a row and how many it adds there."""
    cells = (
        " + ".join(
            f"coalesce(sum({amount}) FILTER (WHERE {cell} = {number}), 0)"
            for cell, amount in amounts
        )
        for number in _NUMBERS
    )
    return f"ARRAY[{', '.join(f'({cell})::bigint' for cell in cells)}]"


_NUMBERS: tuple[LiteralString, ...] = (
    *("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"),
)


def _within(at: LiteralString) -> LiteralString:
    # The outer bounds let the planner leave partitions out.
    return (
        f"{at} >= scope.starts_at AND {at} < scope.ends_at "
        f"AND {at} >= %(first)s AND {at} < %(last)s"
    )


def _bucket(at: LiteralString, grain: Grain) -> LiteralString:
    if grain != "minute":
        return "scope.site, scope.starts_at AS bucket_at, scope.ends_at"
    start = f"date_trunc('minute', {at}, 'UTC')"
    return f"scope.site, {start} AS bucket_at, {start} + interval '1 minute' AS ends_at"
