"""Where tracks were: a map of 32 × 18 cells for each camera."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString

import numpy as np

from consumers.etl.buckets import Grain, Span, split
from consumers.etl.heat import CELLS, Integers, Steps, clipped, time_in_cells
from consumers.etl.rollups.rollup import Cursor, merge, scope_values

READ_AT_ONCE = 5000
BUCKETS_AT_ONCE = 100
"""Of which the maps of all cameras are held in memory."""
LONGEST = timedelta(hours=24)
"""Of a longer track the rest does not count."""

# Most tracks are short: those of the hour before, and the few long ones of the day before.
_READ = """
SELECT number, camera, started_at, path
FROM unnest(%(sites)s::text[], %(starts)s::timestamptz[], %(ends)s::timestamptz[])
    WITH ORDINALITY AS scope (site, starts_at, ends_at, number)
CROSS JOIN LATERAL (
    SELECT camera, started_at, array_send(path) AS path FROM tracks
    WHERE tracks.site = scope.site AND (ended_at > scope.starts_at OR started_at >= scope.starts_at)
        AND started_at >= scope.starts_at - interval '1 hour' AND started_at < scope.ends_at
        AND started_at >= %(first)s::timestamptz - interval '1 hour' AND started_at < %(last)s
    UNION ALL
    SELECT camera, started_at, array_send(path) AS path FROM tracks
    WHERE tracks.site = scope.site AND ended_at > scope.starts_at
        AND started_at > scope.starts_at - interval '24 hours'
        AND started_at < scope.starts_at - interval '1 hour'
        AND ended_at - started_at > interval '1 hour'
        AND started_at >= %(first)s::timestamptz - interval '24 hours' AND started_at < %(last)s
) AS seen
"""
_STAGED = """
    SELECT scope.site, scope.starts_at AS bucket_at, scope.ends_at, camera, tracks, cells
    FROM heat_staged JOIN unnest(%(sites)s::text[], %(starts)s::timestamptz[], %(ends)s::timestamptz[])
        WITH ORDINALITY AS scope (site, starts_at, ends_at, number) USING (number)
"""
# An array as Postgres sends it: a header, then each number behind its length.
_HEADER_BYTES = 20
_ELEMENT = np.dtype([("length", ">i4"), ("value", ">f8")])


@dataclass(frozen=True, slots=True)
class HeatRollup:
    """The heat maps of hours and days."""

    table: LiteralString = "rollup_heat"
    grains: tuple[Grain, ...] = ("hour", "day", "local_day")
    reach: timedelta = LONGEST

    def compute(self, cursor: Cursor, grain: Grain, spans: Sequence[Span]) -> int:
        """Compute all buckets of the spans, reading their tracks in pieces."""
        buckets = [bucket for span in spans for bucket in split(span, grain)]
        return sum(
            self._compute(cursor, grain, buckets[number : number + BUCKETS_AT_ONCE])
            for number in range(0, len(buckets), BUCKETS_AT_ONCE)
        )

    def _compute(self, cursor: Cursor, grain: Grain, buckets: Sequence[Span]) -> int:
        values = scope_values(grain, buckets)
        maps = _Maps(buckets)
        with cursor.connection.cursor("heat", binary=True) as reading:
            reading.itersize = READ_AT_ONCE
            reading.execute(_READ, values)
            while rows := reading.fetchmany(READ_AT_ONCE):
                maps.add(rows)
        cursor.execute(
            "CREATE TEMP TABLE heat_staged (number bigint, camera text, tracks bigint, "
            "cells bigint[]) ON COMMIT DROP"
        )
        with cursor.copy("COPY heat_staged FROM STDIN") as copy:
            for row in maps.rows():
                copy.write_row(row)
        keys, columns = ("camera",), ("tracks", "cells")
        written = cursor.execute(merge(self.table, keys, columns, _STAGED), values).rowcount
        cursor.execute("DROP TABLE heat_staged")
        return written


HEAT = HeatRollup()


class _Maps:
    """Heat maps in the making, by bucket and camera."""

    def __init__(self, buckets: Sequence[Span]) -> None:
        self._starts = np.array([_us(bucket.starts_at) for bucket in buckets], np.int64)
        self._ends = np.array([_us(bucket.ends_at) for bucket in buckets], np.int64)
        self._cells: dict[tuple[int, str], Integers] = {}
        self._tracks: defaultdict[tuple[int, str], int] = defaultdict(int)

    def add(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add tracks: the bucket's number from 1, camera, start, path as Postgres sends it."""
        places = sorted({(row[0], row[1]) for row in rows})
        index = {place: number for number, place in enumerate(places)}
        paths = [bytes(row[3])[_HEADER_BYTES:] for row in rows]
        points = np.array([len(path) // _ELEMENT.itemsize // 3 for path in paths], np.int64)
        flat = np.frombuffer(b"".join(paths), _ELEMENT)["value"].astype(np.float64).reshape(-1, 3)
        track = np.repeat(np.arange(len(rows)), points)
        started_us = np.array([_us(row[2]) for row in rows], np.int64)
        at_us = started_us[track] + np.rint(flat[:, 0] * 1000).astype(np.int64) * 1000
        at_us = np.minimum(at_us, started_us[track] + LONGEST // timedelta(microseconds=1))
        place = np.clip(flat[:, 1:], 0.0, 1.0)
        step = np.flatnonzero(track[1:] == track[:-1])
        bucket = np.array([row[0] - 1 for row in rows], np.int64)[track[step]]
        group = np.array([index[row[0], row[1]] for row in rows], np.int64)
        steps = Steps(
            group[track[step]],
            at_us[step],
            at_us[step + 1],
            *(place[step, 0], place[step, 1]),
            *(place[step + 1, 0], place[step + 1, 1]),
        )
        times = time_in_cells(clipped(steps, self._starts[bucket], self._ends[bucket]), len(places))
        seen = np.bincount(group, minlength=len(places))
        for number, key in enumerate(places):
            self._tracks[key] += int(seen[number])
            self._cells[key] = self._cells.get(key, np.zeros(CELLS, np.int64)) + times[number]

    def rows(self) -> Iterable[tuple[int, str, int, list[int]]]:
        """Yield for each map the bucket's number, camera, tracks, and milliseconds by cell."""
        for (number, camera), cells in self._cells.items():
            yield number, camera, self._tracks[number, camera], ((cells + 500) // 1000).tolist()


def _us(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
