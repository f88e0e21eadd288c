from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.site import Window, contains, next_start
from schemas.site.schedule import DAYS, parse_schedule, parse_window
from schemas.site.timezones import zone

MADRID = "Europe/Madrid"
MINUTE = 60_000
ZONES = ["UTC", MADRID, "America/New_York", "Australia/Lord_Howe", "Asia/Beirut", "Asia/Kathmandu"]

windows = st.builds(
    Window,
    st.integers(0, 6),
    st.integers(0, 6),
    st.integers(0, 1439),
    st.integers(1, 1440),
).filter(lambda w: w.start_min != w.end_min)


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def holds(schedule: str | list[str], local: str, timezone: str = MADRID, fold: int = 0) -> bool:
    moment = datetime.fromisoformat(local).replace(tzinfo=zone(timezone), fold=fold)
    return contains(parse_schedule(schedule), timezone, int(moment.timestamp() * 1000))


@pytest.mark.parametrize(
    ("schedule", "local", "inside"),
    [
        ("Mon-Fri 20:00-07:00", "2024-01-06T03:00", True),  # Saturday, Friday's window
        ("Mon-Fri 20:00-07:00", "2024-01-08T03:00", False),  # Monday, Sunday has none
        ("Mon-Fri 20:00-07:00", "2024-01-08T20:00", True),
        ("Mon-Fri 20:00-07:00", "2024-01-09T06:59:59.999", True),
        ("Mon-Fri 20:00-07:00", "2024-01-09T07:00", False),
        ("Sat-Sun", "2024-01-06T00:00", True),
        ("Sat-Sun", "2024-01-07T23:59:59.999", True),
        ("Sat-Sun", "2024-01-08T00:00", False),
        ("Sat-Mon", "2024-01-08T12:00", True),
        ("Fri", "2024-01-05T12:00", True),
        ("Fri", "2024-01-04T12:00", False),
        ("08:00-18:00", "2024-01-03T17:59", True),
        ("08:00-18:00", "2024-01-03T18:00", False),
        ("Sun 20:00-00:00", "2024-01-07T23:59", True),
        ("Sun 20:00-00:00", "2024-01-08T00:00", False),
        ("Sun 20:00-24:00", "2024-01-07T23:59", True),
        ("always", "2024-01-08T00:00", True),
    ],
)
def test_contains(schedule: str, local: str, inside: bool) -> None:
    assert holds(schedule, local) is inside


def test_hour_missing_in_spring_is_empty() -> None:
    schedule = parse_schedule("Sun 02:00-03:00")
    midnight = utc("2024-03-31T00:00+01:00")
    assert not any(contains(schedule, MADRID, midnight + m * MINUTE) for m in range(24 * 60))


def test_hour_doubled_in_autumn_counts_twice() -> None:
    schedule = parse_schedule("Sun 02:00-03:00")
    midnight = utc("2024-10-27T00:00+02:00")
    inside = [m for m in range(24 * 60) if contains(schedule, MADRID, midnight + m * MINUTE)]
    assert inside == list(range(120, 240))


def test_next_start_in_a_doubled_hour_begins_twice() -> None:
    schedule = parse_schedule("Sun 02:30-03:00")
    first = next_start(schedule, MADRID, utc("2024-10-27T00:00+02:00"))
    assert first == utc("2024-10-27T02:30+02:00")
    assert next_start(schedule, MADRID, first) == utc("2024-10-27T02:30+01:00")


def test_next_start_after_a_gap_begins_at_its_end() -> None:
    schedule = parse_schedule("Sun 02:30-04:00")
    start = next_start(schedule, MADRID, utc("2024-03-30T12:00+01:00"))
    assert start == utc("2024-03-31T03:00+02:00")


def test_next_start_where_the_clock_changes_at_midnight() -> None:
    schedule = parse_schedule("Sun 00:00-02:00")
    start = next_start(schedule, "Asia/Beirut", utc("2024-03-30T12:00+02:00"))
    assert start == utc("2024-03-31T01:00+03:00")


def test_always_never_starts() -> None:
    assert next_start(None, MADRID, 0) is None
    assert next_start(parse_schedule("00:00-24:00"), "UTC", 0) is None


@given(st.lists(windows, min_size=1, max_size=3), st.sampled_from(ZONES), st.integers(0, 2**41))
def test_contains_is_what_the_days_that_start_windows_say(
    listed: list[Window], timezone: str, at_ms: int
) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
    wall = moment.astimezone(zone(timezone)).replace(tzinfo=None)
    expected = False
    for window in listed:
        for back in (0, 1):
            day = (wall - timedelta(days=back)).replace(hour=0, minute=0, second=0, microsecond=0)
            start = day + timedelta(minutes=window.start_min)
            length = (window.end_min - window.start_min) % 1440 or 1440
            days = {(window.first_day + i) % 7 for i in range(7)}
            span = (window.last_day - window.first_day) % 7
            days = {(window.first_day + i) % 7 for i in range(span + 1)}
            if day.weekday() in days and start <= wall < start + timedelta(minutes=length):
                expected = True
    assert contains(listed, timezone, at_ms) is expected


@given(
    st.lists(windows, min_size=1, max_size=2),
    st.sampled_from(ZONES),
    st.sampled_from(["2024-03-29", "2024-10-25", "2024-04-05", "2024-06-01", "2024-11-01"]),
    st.integers(0, 3 * 1440),
)
def test_next_start_is_the_first_minute_that_begins(
    listed: list[Window], timezone: str, day: str, minute: int
) -> None:
    after = utc(day + "T00:00+00:00") + minute * MINUTE
    found = next_start(listed, timezone, after)
    # All these zones keep whole minutes, so a scan by minutes sees every beginning.
    before = contains(listed, timezone, after)
    expected = None
    for step in range(1, 3 * 1440):
        now = contains(listed, timezone, after + step * MINUTE)
        if now and not before:
            expected = after + step * MINUTE
            break
        before = now
    if expected is None:
        assert found is None or found >= after + 3 * 1440 * MINUTE
    else:
        assert found == expected


@given(windows)
def test_window_text_is_parsed_back(window: Window) -> None:
    assert parse_window(str(window)) == window


@pytest.mark.parametrize(
    "bad",
    ["", "Mon-", "Mon,Tue", "Moon", "25:00-26:00", "08:00", "08:00-08:00", "24:00-02:00",
     "08:60-09:00", "Mon 8-9", "Mon-Tue-Wed", 5, None, ["Mon"]],
)  # fmt: skip
def test_bad_window(bad: object) -> None:
    with pytest.raises(ValueError, match="allowed"):
        parse_window(bad)


def test_days_are_read_in_any_case() -> None:
    assert str(parse_window("mon-FRI 8:00-9:30")) == "Mon-Fri 08:00-09:30"
    assert DAYS[0] == "Mon"
