from __future__ import annotations

import pytest

from tests.contract.consumers.store_rows import event, verdict
from tests.contract.etl.cloud import Cloud, at, ms
from tests.unit.consumers.etl.analytics_records import AT, count, health, track

HOUR_MS = 3_600_000
MINUTE_MS = 60_000


def test_counts_add_up_by_hour_and_day_and_minutes_stand_beside(cloud: Cloud) -> None:
    cloud.arrive(
        count(AT, forward=2, backward=1, occupancy_max=3),
        count(AT + MINUTE_MS, forward=5, occupancy_max=1),
        count(AT + HOUR_MS, forward=10),
        count(AT + HOUR_MS, forward=12, revision=2),
    )
    cloud.settle()
    query = (
        "SELECT grain, bucket_at, forward, backward, minutes, occupancy_max, occupancy_sum "
        "FROM rollup_counts ORDER BY grain, bucket_at"
    )
    start, second = at("2026-01-01T00:00"), at("2026-01-01T01:00")
    assert cloud.rows(query) == [
        ("day", start, 19, 1, 3, 3, 4),
        ("hour", start, 7, 1, 2, 3, 4),
        ("hour", second, 12, 0, 1, 0, 0),
        ("local_day", start, 19, 1, 3, 3, 4),
    ]
    minutes = cloud.rows("SELECT forward FROM minute_counts ORDER BY bucket_at")
    assert minutes == [(2,), (5,), (12,)]


def test_the_histogram_of_dwell_is_exact_for_two_visits_and_told_by_the_mean_beyond(
    cloud: Cloud,
) -> None:
    visits = {"exits": 2, "dwell_total_s": 63.0, "dwell_max_s": 60.0}
    many = {"exits": 4, "dwell_total_s": 400.0, "dwell_max_s": 100.0}
    cloud.arrive(count(AT, **visits), count(AT + MINUTE_MS, **many))
    cloud.settle()
    ((exits, total_s, longest_s, dwell),) = cloud.rows(
        "SELECT exits, dwell_total_s, dwell_max_s, dwell FROM rollup_counts WHERE grain = 'hour'"
    )
    assert (exits, total_s, longest_s) == (6, 463.0, 100.0)
    # 3 s lies in [2, 5), 60 s and four times 100 s in [60, 120).
    assert dwell == [0, 0, 1, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0]


def test_events_and_candidates_by_rule_and_what_operators_took_back(cloud: Cloud) -> None:
    reasons = '[{"check": "moved", "for": false}, {"check": "operator", "for": false}]'
    cloud.arrive(
        event("e-1", opened_at=AT, at=AT, triggers=2),
        event("e-1", opened_at=AT, at=AT + 9000, triggers=3, revision=2, closed_at=AT + 9000),
        event("e-2", opened_at=AT + MINUTE_MS, at=AT, severity="info"),
        verdict("c-1", matched_at=AT),
        verdict("c-2", matched_at=AT, verdict="suppressed"),
        verdict("c-3", matched_at=AT, verdict="accepted"),
        verdict("c-3", matched_at=AT, verdict="suppressed", reasons=reasons, revision=2),
        verdict("c-4", matched_at=AT, verdict="cooling"),
    )
    cloud.connection.execute("UPDATE events SET label = 'false' WHERE event_id = 'e-2'")
    cloud.settle()
    columns = "severity, events, closed, triggers, lasted_total_s, called_false"
    assert cloud.rows(f"SELECT {columns} FROM rollup_events WHERE grain = 'hour' ORDER BY 1") == [
        ("alert", 1, 1, 3, 9.0, 0),
        ("info", 1, 0, 1, 0.0, 1),
    ]
    columns = "candidates, accepted, suppressed, dismissed, cooling, shadow, false_positive_rate"
    for grain in ("minute", "hour", "day", "local_day"):
        rows = cloud.rows(f"SELECT {columns} FROM rollup_candidates WHERE grain = %s", grain)
        assert rows == [(4, 1, 1, 1, 1, 0, 0.5)]


def test_time_in_view_counts_where_a_track_begins_and_heat_where_it_is(cloud: Cloud) -> None:
    began = AT + HOUR_MS - 10_000
    # Half in the first hour, half in the second; first in the top left cell, then at the bottom right.
    cloud.arrive(
        track("t-1", began, (0, 0.01, 0.01), (10, 0.01, 0.01), (10, 0.99, 0.99), (20, 0.99, 0.99))
    )
    cloud.settle()
    rows = cloud.rows(
        "SELECT bucket_at, tracks, in_view_total_s FROM rollup_tracks WHERE grain = 'hour'"
    )
    assert rows == [(at("2026-01-01T00:00"), 1, 20.0)]
    maps = cloud.rows(
        "SELECT grain, tracks, cells[1], cells[576], (SELECT sum(cell) FROM unnest(cells) AS cell) "
        "FROM rollup_heat ORDER BY grain, bucket_at"
    )
    assert maps == [
        ("day", 1, 10_000, 10_000, 20_000),
        ("hour", 1, 10_000, 0, 10_000),
        ("hour", 1, 0, 10_000, 10_000),
        ("local_day", 1, 10_000, 10_000, 20_000),
    ]


def test_a_track_of_days_is_found_in_the_hours_of_its_first_day(cloud: Cloud) -> None:
    cloud.arrive(track("t-1", AT, (0, 0.5, 0.5), (50 * 3600, 0.5, 0.5)))
    cloud.settle()
    hours = cloud.rows("SELECT bucket_at FROM rollup_heat WHERE grain = 'hour' ORDER BY 1")
    assert [hour for (hour,) in hours] == [at(f"2026-01-01T{number:02}:00") for number in range(24)]


def test_a_camera_is_online_in_minutes_that_say_so_and_nothing_else(cloud: Cloud) -> None:
    cloud.arrive(
        *(health(AT + number * MINUTE_MS) for number in (0, 1, 2, 3)),
        health(AT + 3 * MINUTE_MS + 10, "stalled"),
        health(AT + 4 * MINUTE_MS, "offline"),
        health(AT + 9 * MINUTE_MS, "ended"),
        # An older word comes late and fills its minute.
        health(AT + 8 * MINUTE_MS, revision=1),
    )
    cloud.settle()
    columns = "minutes, seen_minutes, online_minutes"
    assert cloud.rows(f"SELECT {columns} FROM rollup_uptime WHERE grain = 'hour'") == [(60, 6, 4)]
    changes = cloud.rows("SELECT state FROM health_changes ORDER BY at")
    assert changes == [("online",), ("stalled",), ("offline",), ("ended",)]


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Madrid", "2026-03-28T23:00", 23),
        ("Europe/Madrid", "2026-10-24T22:00", 25),
        ("Asia/Kolkata", "2026-03-28T18:30", 24),
        ("America/Santiago", "2026-09-06T04:00", 23),
    ],
)
def test_a_local_day_has_the_hours_that_the_clock_gives_it(
    zone: str, day: str, hours: int, cloud: Cloud
) -> None:
    cloud.zone("depot-7", zone)
    begins = ms(day)
    ends = begins + hours * HOUR_MS
    for moment in (begins - MINUTE_MS, begins, ends - MINUTE_MS, ends):
        cloud.arrive(
            count(moment), health(moment), track(str(moment), moment, (0, 0, 0), (1, 0, 0))
        )
    cloud.settle()
    for table, figure in (("counts", "forward"), ("uptime", "online_minutes"), ("heat", "tracks")):
        rows = cloud.rows(
            f"SELECT extract(epoch FROM ends_at - bucket_at)::integer / 3600, {figure} "
            f"FROM rollup_{table} WHERE grain = 'local_day' AND bucket_at = %s",
            at(day),
        )
        assert rows == [(hours, 2)]


def test_another_time_zone_makes_other_days(cloud: Cloud) -> None:
    cloud.arrive(count(AT), health(AT))
    cloud.settle()
    cloud.zone("depot-7", "Asia/Tokyo")
    cloud.settle()
    for table in ("rollup_counts", "rollup_uptime"):
        days = cloud.rows(f"SELECT bucket_at FROM {table} WHERE grain = 'local_day'")
        assert days == [(at("2025-12-31T15:00"),)]


@pytest.mark.parametrize("year", [1, 1969, 9999, 20000])
def test_a_clock_that_is_centuries_wrong_stops_nobody(year: int, cloud: Cloud) -> None:
    cloud.arrive(count(AT), event("e", opened_at=AT, at=AT), health(AT), track("t", AT, (0, 0, 0)))
    wild = f"make_timestamptz({year}, 5, 5, 5, 5, 5, 'UTC')"
    cloud.connection.execute(
        f"UPDATE counts SET minute_at = {wild}, revision = 2; "
        f"INSERT INTO health_minutes SELECT site, 'yard', organisation_id, {wild}, online, other "
        "FROM health_minutes;".encode()
    )
    cloud.arrive(count(AT + MINUTE_MS))
    cloud.settle()
    assert cloud.rows("SELECT forward FROM rollup_counts WHERE grain = 'local_day'") == [(1,)]
    assert cloud.rows("SELECT DISTINCT camera FROM rollup_uptime") == [("gate",)]
