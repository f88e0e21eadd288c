"""Millions of events in Postgres in minutes: as sinks, triggers and people would have left them.

A day at a time, on two connections, with the triggers off: what they write is written here, all at
once. One organisation owns everything, which is the most that a list can have to leave out.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg

CAMERAS, CAMERAS_OF_A_SITE, DAYS, RULES = 1000, 50, 30, 20
WORKERS = 2

_MOMENTS = """
CREATE TEMP TABLE moments AS
SELECT 'e-' || n AS event_id, n, 'site-' || camera / %(of_a_site)s AS site,
    'camera-' || camera AS camera, 'rule-' || n %% %(rules)s AS rule,
    (ARRAY['alert', 'warning', 'warning', 'info', 'info'])[1 + n %% 5] AS severity,
    (ARRAY['person', 'car', 'bicycle', 'truck'])[1 + n / 3 %% 4] AS class_name,
    %(day)s::timestamptz + (n - %(first)s::bigint) * interval '1 day' / %(events)s AS at
FROM generate_series(%(first)s::bigint, %(first)s::bigint + %(events)s - 1) AS n,
    LATERAL (SELECT n * 7919 %% %(cameras)s AS camera) AS place
"""
_EVENTS = """
INSERT INTO events (event_id, organisation_id, site, rule, camera, sensor, state, revision, severity,
    mode, group_key, at, opened_at, closed_at, triggers, tracks, class_name, score, verdict,
    config_version, model, model_version, provenance, stored_at, handling, remarks)
SELECT event_id, %(owner)s, site, rule, camera, 'sensor-1', 'closed', 2, severity,
    CASE WHEN n %% 50 = 0 THEN 'shadow' ELSE 'live' END, camera, at + interval '20 s', at,
    at + interval '20 s', 2, '["track-1"]', class_name, 0.8, 'accepted', 1, 'yolox', '1',
    '[{"candidate": "c", "sensor": "sensor-1", "score": 0.8}]', at + interval '1 s',
    CASE WHEN %(new)s AND n %% 4 < 3 THEN 'new' WHEN n %% 500 = 0 THEN 'new' ELSE 'acknowledged' END,
    CASE WHEN n %% 1000 = 0 THEN 'parcel left at the gate, courier called' ELSE '' END
FROM moments
"""
_CHANGES = """
INSERT INTO event_changes (event_id, revision, organisation_id, site, rule, camera, state, severity,
    mode, at, opened_at, closed_at, triggers, tracks, class_name, score, verdict, stored_at)
SELECT event_id, revision, %(owner)s, site, rule, camera,
    CASE revision WHEN 1 THEN 'opened' ELSE 'closed' END, severity, 'live', at, at,
    CASE revision WHEN 2 THEN at + interval '20 s' END, revision, '["track-1"]', class_name, 0.8,
    'accepted', at + revision * interval '10 s'
FROM moments, generate_series(1, 2) AS revision
"""
_PLACES = (
    "INSERT INTO event_places (event_id, opened_at, site) SELECT event_id, at, site FROM moments"
)
_VERDICTS = """
INSERT INTO verdicts (candidate_id, organisation_id, site, camera, rule, sensor, track, class_name,
    matched_at, decided_at, verdict, event_id, score, reasons, revision, config_version, provenance)
SELECT kind || '-' || n, %(owner)s, site, camera, rule, 'sensor-1', 'track-1', class_name,
    at + after, at + after, verdict, CASE verdict WHEN 'accepted' THEN event_id END, 0.8,
    '[{"check": "moved", "for": true, "value": 0.4}]', 1, 1, '{}'
FROM moments, (VALUES
    ('a', 'accepted', interval '0', 1), ('s', 'suppressed', interval '5 s', 5)
) AS candidate (kind, verdict, after, every)
WHERE n %% every = 0
"""
_EVIDENCE = """
INSERT INTO evidence (evidence_id, organisation_id, site, camera, event_id, kind, status,
    content_type, sha256, size, from_at, to_at, revision, bucket, object_key)
SELECT 'snapshot-' || n, %(owner)s, site, camera, event_id, 'snapshot', 'ok', 'image/jpeg',
    'a2b4', 48000, at, at, 1, 'evidence', 'snapshots/' || n
FROM moments
"""
_SITES = """
INSERT INTO sites (site, organisation_id)
SELECT 'site-' || n, %(owner)s FROM generate_series(0, %(cameras)s / %(of_a_site)s - 1) AS n
"""
_CAMERAS = """
INSERT INTO cameras (site, camera, organisation_id, last_event_at)
SELECT 'site-' || n / %(of_a_site)s, 'camera-' || n, %(owner)s, now()
FROM generate_series(0, %(cameras)s - 1) AS n
"""
_HEALTH = """
INSERT INTO health (health_id, organisation_id, site, kind, name, state, at, frames_per_s, frames,
    dropped, details, revision)
SELECT site || '/' || camera, organisation_id, site, 'camera', camera, 'online', now(), 10, 1, 0,
    '{}', 1
FROM cameras
"""
_COUNTS = """
INSERT INTO rollup_counts (grain, site, bucket_at, ends_at, camera, sensor, forward, backward,
    entries, exits, minutes, occupancy_max, occupancy_sum, dwell_total_s, dwell_max_s, dwell)
SELECT 'hour', site, at, at + interval '1 hour', camera, 'sensor-1', 40, 38, 40, 38, 55, 4, 90, 700,
    40, array_fill(3::bigint, ARRAY[13])
FROM cameras, generate_series(%(start)s, %(end)s, interval '1 hour') AS at
"""
_CANDIDATES = """
INSERT INTO rollup_candidates (grain, site, bucket_at, ends_at, camera, rule, candidates, accepted,
    suppressed, dismissed, cooling, shadow)
SELECT 'local_day', site, at, at + interval '1 day', camera, 'rule-' || n, 10, 8, 2, 0, 0, 0
FROM cameras, generate_series(0, 3) AS n,
    generate_series(%(start)s, %(end)s, interval '1 day') AS at
"""


@dataclass(frozen=True, slots=True)
class Filled:
    """What stands in the store."""

    events: int
    start: datetime
    end: datetime

    def event_id(self, number: int) -> str:
        """Return the id of one of the events."""
        return f"e-{number % self.events}"


def fill(dsn: str, owner: UUID, events: int) -> Filled:
    """Store the events of the last 30 days, and all that belongs to them."""
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    start = end - timedelta(days=DAYS)
    values = {
        "owner": owner,
        "cameras": CAMERAS,
        "of_a_site": CAMERAS_OF_A_SITE,
        "rules": RULES,
        "start": start,
        "end": end - timedelta(hours=1),
    }
    with _quick(dsn) as connection:
        connection.execute(
            "SELECT sightline_make_partitions(%s, %s)",
            [start.date(), end.date() + timedelta(days=1)],
        )
        for statement in (_SITES, _CAMERAS, _HEALTH, _COUNTS, _CANDIDATES):
            connection.execute(statement, values)
    of_a_day = events // DAYS
    with ThreadPoolExecutor(WORKERS) as pool:
        days = [
            pool.submit(
                _fill_day,
                dsn,
                {
                    **values,
                    "day": start + timedelta(days=day),
                    "first": day * of_a_day,
                    "events": of_a_day,
                    "new": day >= DAYS - 2,
                },
            )
            for day in range(DAYS)
        ]
        for done, day in enumerate(days, 1):
            day.result()
            print(f"\rfilled {done} of {DAYS} days", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    with _quick(dsn) as connection:
        connection.execute("VACUUM ANALYZE")
    return Filled(of_a_day * DAYS, start, end)


def _fill_day(dsn: str, values: dict[str, object]) -> None:
    with _quick(dsn) as connection:
        connection.execute(_MOMENTS, values)
        for statement in (_EVENTS, _CHANGES, _PLACES, _VERDICTS, _EVIDENCE):
            connection.execute(statement, values)


def _quick(dsn: str) -> psycopg.Connection:
    options = "-c session_replication_role=replica -c synchronous_commit=off -c timezone=UTC"
    return psycopg.connect(dsn, autocommit=True, options=options)
