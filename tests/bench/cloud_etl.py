"""The analytics of a day of 1,000 cameras: how fast tracks are indexed, how long a rebuild takes.

Run with ``python -m tests.bench.cloud_etl [CAMERAS]``. The day has a count a minute of two sensors
for each camera, 100 events and candidates and 500 tracks of 20 points for each, and a health record
in every minute; 50 cameras are a site. ``fill`` and ``figures`` also serve ``tests.bench.cloud``.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psutil
import psycopg

from consumers.etl.marks import Turn
from consumers.etl.postgres import Connection, session
from consumers.etl.recomputing import rebuild, take_turn
from consumers.etl.rollups.registry import SUBJECTS
from consumers.sinks.track_rows import TrackIndex
from consumers.store.migrate import migrate
from infra.local.stack import Stack, StackConfig
from schemas.records import PathPoint, Track
from tests.bench.printing import machine, table
from tests.bench.product import new_folder

CAMERAS, CAMERAS_OF_A_SITE = 1000, 50
EVENTS_OF_A_CAMERA, TRACKS_OF_A_CAMERA = 100, 500
DAY = datetime(2026, 3, 10, tzinfo=UTC)
INDEXED, BATCH = 20_000, 2_000

_CAMERAS = """
CREATE TEMP TABLE filled AS
SELECT 'site-' || number / %(of_a_site)s AS site, 'camera-' || number AS camera, number
FROM generate_series(0, %(cameras)s - 1) AS number
"""
_COUNTS = """
INSERT INTO counts (count_id, site, camera, sensor, minute_at, forward, backward, entries, exits,
    occupancy_max, dwell_total_s, dwell_max_s, revision, config_version)
SELECT site || '/' || camera || '/' || sensor || '/' || minute, site, camera, 'sensor-' || sensor,
    %(day)s::timestamptz + make_interval(mins => minute), minute %% 7, minute %% 5, minute %% 3,
    minute %% 3, minute %% 4, (minute %% 3) * 12.5, (minute %% 3) * 8.5, 1, 1
FROM filled, generate_series(1, 2) AS sensor, generate_series(%(first)s, %(last)s - 1) AS minute
"""
_EVENTS = """
INSERT INTO events (event_id, site, rule, camera, sensor, state, revision, severity, mode,
    group_key, at, opened_at, closed_at, triggers, tracks, class_name, score, verdict,
    config_version, model, model_version, provenance)
SELECT camera || '-e-' || n, site, 'rule-' || n %% 4, camera, 'sensor-1', 'closed', 3,
    (ARRAY['alert', 'warning', 'info'])[1 + n %% 3], 'live', camera, at, at, at + interval '20 s',
    2, '["t-1"]', 'person', 0.8, 'accepted', 1, 'yolox', '1', '[]'
FROM filled, generate_series(1, %(number)s) AS n, LATERAL (
    SELECT %(day)s::timestamptz + make_interval(secs => (n * 977 + number * 13) %% 86400) AS at
) AS moment
"""
_VERDICTS = """
INSERT INTO verdicts (candidate_id, site, camera, rule, sensor, matched_at, decided_at, verdict,
    score, reasons, revision, config_version, provenance)
SELECT camera || '-c-' || n, site, camera, 'rule-' || n %% 4, 'sensor-1', at, at,
    (ARRAY['accepted', 'suppressed'])[1 + n %% 2], 0.8,
    '[{"check": "moved", "for": true, "value": 0.4}]', 1, 1, '{}'
FROM filled, generate_series(1, %(number)s) AS n, LATERAL (
    SELECT %(day)s::timestamptz + make_interval(secs => (n * 977 + number * 13) %% 86400) AS at
) AS moment
"""
_TRACKS = """
INSERT INTO tracks (track_id, site, camera, epoch_at, class_name, score_mean, score_max,
    observations, started_at, ended_at, path, area, zones, colours, config_version, model,
    model_version)
SELECT camera || '-t-' || n, site, camera, %(day)s, (ARRAY['person', 'car'])[1 + n %% 2], 0.7, 0.9,
    100, at, at + interval '20 s', path, '(0,0),(1,1)', '{lawn}', '{red}', 1, 'yolox', '1'
FROM filled, generate_series(1, %(number)s) AS n,
    LATERAL (
        SELECT %(day)s::timestamptz + make_interval(secs => (n * 171 + number * 7) %% 86400) AS at
    ) AS moment,
    LATERAL (
        SELECT array_agg(value ORDER BY point, place) AS path FROM generate_series(0, 19) AS point,
            LATERAL (VALUES (1, point * 20 / 19.0), (2, abs(sin(point * 0.1 + n))),
                (3, abs(cos(point * 0.07 + n * 2)))) AS part (place, value)
    ) AS walk
"""
_HEALTH = """
INSERT INTO health_minutes (site, camera, hour_at, online, other)
SELECT site, camera, %(day)s::timestamptz + make_interval(hours => hour),
    repeat('1', 60)::bit(60), repeat('0', 60)::bit(60)
FROM filled, generate_series(0, 23) AS hour
"""


def fill(dsn: str, cameras: int = CAMERAS) -> Iterator[tuple[str, int, float]]:
    """Store the day; yield each table with its rows and the seconds that they took."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        values: dict[str, object] = {
            "day": DAY,
            "cameras": cameras,
            "of_a_site": CAMERAS_OF_A_SITE,
        }
        connection.execute(_CAMERAS, values)
        first, last = DAY.date(), (DAY + timedelta(days=1)).date()
        connection.execute("SELECT sightline_make_partitions(%s, %s)", [first, last])
        began_s, rows = time.monotonic(), 0
        for hour in range(24):
            span = {"first": hour * 60, "last": hour * 60 + 60}
            rows += connection.execute(_COUNTS, {**values, **span}).rowcount
        yield "counts", rows, time.monotonic() - began_s
        for name, statement, number in (
            ("events", _EVENTS, EVENTS_OF_A_CAMERA),
            ("verdicts", _VERDICTS, EVENTS_OF_A_CAMERA),
            ("tracks", _TRACKS, TRACKS_OF_A_CAMERA),
            ("health_minutes", _HEALTH, 0),
        ):
            began_s = time.monotonic()
            rows = connection.execute(statement, {**values, "number": number}).rowcount
            yield name, rows, time.monotonic() - began_s
        connection.execute("VACUUM ANALYZE")


def index_rate(dsn: str) -> float:
    """Return how many tracks a second the track index stores, decoded as they are."""
    points = tuple(PathPoint(at=1_000 * n, x=n / 20, y=n / 20) for n in range(20))
    tracks = [
        Track(
            track_id=f"indexed-{number}",
            site="indexed",
            camera="gate",
            epoch_at=0,
            class_name="person",
            score_mean=0.7,
            score_max=0.9,
            observations=20,
            started_at=0,
            ended_at=19_000,
            path=points,
            zones=(),
            colours=(),
            config_version=1,
        )
        for number in range(INDEXED)
    ]
    index = TrackIndex(dsn)
    began_s = time.monotonic()
    for number in range(0, INDEXED, BATCH):
        index.store(tracks[number : number + BATCH])
    took_s = time.monotonic() - began_s
    index.close()
    return INDEXED / took_s


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock, and of processors: this process's and Postgres's together."""

    s: float = 0.0
    cpu_s: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.s + other.s, self.cpu_s + other.cpu_s)

    def __sub__(self, other: Cost) -> Cost:
        return Cost(self.s - other.s, self.cpu_s - other.cpu_s)

    def __str__(self) -> str:
        return f"{self.s:.1f} / {self.cpu_s:.1f}"


def spent(connection: Connection) -> Cost:
    """Return what has been spent so far, in the connection's session too (on this machine)."""
    backend = psutil.Process(connection.info.backend_pid).cpu_times()
    return Cost(time.monotonic(), time.process_time() + backend.user + backend.system)


def rebuild_cost(connection: Connection) -> tuple[dict[str, Cost], Counter[str]]:
    """Rebuild the day; return what each subject cost, and the rows written by table."""
    costs: dict[str, Cost] = {}
    rows: Counter[str] = Counter()
    before = spent(connection)
    for subject, _, written in rebuild(connection, DAY, DAY + timedelta(days=1)):
        costs[subject] = spent(connection) - before
        rows += written
        before = spent(connection)
    return costs, rows


def turn_cost(connection: Connection, turn: Turn) -> dict[str, Cost]:
    """Compute the open hour or day of everything once, as the worker does all the time."""
    moment = DAY + timedelta(hours=23)
    costs: dict[str, Cost] = {}
    for subject in SUBJECTS:
        connection.execute(
            "INSERT INTO rollup_marks (grain, subject, site, at) SELECT %s, %s, site, %s FROM sites",
            [turn, subject, moment],
        )
        before = spent(connection)
        take_turn(connection, subject, turn)
        costs[subject] = spent(connection) - before
    return costs


def figures(dsn: str, cameras: int = CAMERAS) -> None:
    """Fill the database, whose server runs on this machine, and print what was measured."""
    filled = list(fill(dsn, cameras))
    table(
        ("stored, with marks", "rows", "s", "rows a second"),
        [(name, str(rows), f"{s:.1f}", f"{rows / s:.0f}") for name, rows, s in filled],
    )
    print(f"\ntrack index: {index_rate(dsn):.0f} tracks a second")
    with session(dsn) as connection:
        connection.execute("TRUNCATE rollup_marks")
        first, rows = rebuild_cost(connection)
        again, changed = rebuild_cost(connection)
        connection.execute("TRUNCATE rollup_marks")
        hour, day = turn_cost(connection, "hour"), turn_cost(connection, "day")
    assert changed.total() == 0, f"a second rebuild changed {changed}"
    print(f"\nrollup rows of the day: {rows.total()}; seconds by the clock / of processors:")
    measured = (first, again, hour, day)
    table(
        ("subject", "rebuild", "again", "open hour", "whole day"),
        [(name, *(str(costs[name]) for costs in measured)) for name in SUBJECTS]
        + [("all", *(str(sum(costs.values(), Cost())) for costs in measured))],
    )


def main() -> None:
    """Print the figures of a database of its own."""
    cameras = int(sys.argv[1]) if len(sys.argv) > 1 else CAMERAS
    print(f"{cameras} cameras; {machine()}")
    with new_folder() as folder:
        stack = Stack(StackConfig(data_dir=folder, parts=frozenset({"postgres"})))
        stack.start()
        try:
            migrate(stack.endpoints.postgres_dsn)
            figures(stack.endpoints.postgres_dsn, cameras)
        finally:
            stack.stop()


if __name__ == "__main__":
    main()
