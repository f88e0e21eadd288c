from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.etl.buckets import (
    GRAINS,
    Grain,
    Span,
    clip,
    local_day,
    spans_between,
    spans_with,
    split,
)
from schemas.site.timezones import zone

ZONES = (
    "UTC",
    "Europe/Madrid",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "America/Santiago",
    "Pacific/Apia",
)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("grain", GRAINS)
@given(st.lists(MOMENTS, min_size=1, max_size=6), st.sampled_from(ZONES))
def test_buckets_hold_their_moments_and_do_not_overlap(
    grain: Grain, moments: list[datetime], name: str
) -> None:
    hours = [moment.replace(minute=0, second=0, microsecond=0) for moment in moments]
    spans = spans_with([("a", hour) for hour in hours], grain, {"a": zone(name)})
    buckets = [bucket for span in spans for bucket in split(span, grain)]
    assert buckets == sorted(set(buckets))
    for before, after in itertools.pairwise(buckets):
        assert before.ends_at <= after.starts_at
    for hour in hours:
        held = [bucket for bucket in buckets if bucket.starts_at <= hour < bucket.ends_at]
        assert len(held) == 1
        if grain == "local_day":
            last = hour + HOUR - timedelta(microseconds=1)
            assert any(bucket.starts_at <= last < bucket.ends_at for bucket in buckets)


@given(MOMENTS, st.integers(1, 5000), st.sampled_from(GRAINS), st.sampled_from(ZONES))
def test_what_is_between_is_covered_without_gaps(
    from_at: datetime, minutes: int, grain: Grain, name: str
) -> None:
    to_at = from_at + timedelta(minutes=minutes)
    spans = spans_between("a", from_at, to_at, grain, zone(name))
    assert spans[0].starts_at <= from_at
    assert spans[-1].ends_at >= to_at
    for before, after in itertools.pairwise(spans):
        assert before.ends_at == after.starts_at


@given(MOMENTS, MOMENTS, st.sampled_from(GRAINS))
def test_what_may_have_been_removed_is_left_out_by_whole_buckets(
    moment: datetime, kept_from: datetime, grain: Grain
) -> None:
    (span,) = spans_between("a", moment, moment + timedelta(microseconds=1), grain, None)
    longer = (
        Span("a", span.starts_at, span.ends_at)
        if grain == "local_day"
        else Span("a", span.starts_at, span.ends_at + 3 * (span.ends_at - span.starts_at))
    )
    left = clip(longer, grain, kept_from)
    buckets = list(split(longer, grain))
    kept = [bucket for bucket in buckets if bucket.starts_at >= kept_from]
    assert (list(split(left, grain)) if left else []) == kept


def test_a_site_of_an_unknown_zone_has_the_days_of_utc() -> None:
    at = datetime(2026, 1, 1, 5, tzinfo=UTC)
    (span,) = spans_with([("a", at)], "local_day", {})
    assert span == Span("a", at.replace(hour=0), at.replace(hour=0) + timedelta(days=1))


def test_a_day_without_midnight_begins_when_the_clock_goes_on() -> None:
    day = local_day("a", datetime(2026, 9, 6).date(), ZoneInfo("America/Santiago"))
    assert day.starts_at == datetime(2026, 9, 6, 4, tzinfo=UTC)
    assert day.ends_at - day.starts_at == 23 * HOUR
