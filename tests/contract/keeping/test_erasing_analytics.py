"""Erasure in rollups and Parquet, also of days whose rows retention has removed."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consumers.etl.parquet import filtering
from consumers.etl.parquet.bucket import AnalyticsBucket
from consumers.keeping import lake as erasing_objects
from schemas.errors import Retryable
from tests.contract.consumers.store_rows import event, verdict
from tests.contract.etl.cloud import ROLLUPS
from tests.contract.keeping.house import NOW, House
from tests.contract.keeping.lake import Lake
from tests.unit.consumers.etl.analytics_records import count, track

KEPT_DAYS = 3
BEGINS = {
    "events": "opened_at",
    "verdicts": "matched_at",
    "counts": "minute_at",
    "tracks": "started_at",
}
FIGURES = tuple(table for table in ROLLUPS if table != "rollup_uptime")
ENDS = {**BEGINS, "tracks": "ended_at"}


@pytest.fixture
def lake(house: House) -> Lake:
    return Lake(house)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def ms(ago: timedelta) -> int:
    return round((NOW - ago).timestamp() * 1000)


def settle_in(house: House, lake: Lake, on_hold: str | None = None) -> UUID:
    """Let everything be exported and older days lose their rows; return the organisation."""
    days = dict.fromkeys(("events", "candidates", "counts", "tracks"), KEPT_DAYS)
    organisation = house.organisation("own", "south", **days)
    if on_hold is not None:
        house.hold(on_hold)
    lake.work()
    house.keep()
    lake.work()
    return organisation


def happen(lake: Lake, ago: timedelta, camera: str = "gate", name: str = "") -> None:
    """Let an event, its candidate, a count and a track of a minute arrive."""
    at, place = ms(ago), {"site": "south", "camera": camera}
    name = name or f"{camera}-{at}"
    lake.arrive(
        event(name, **place, opened_at=at, at=at),
        verdict(f"c-{name}", event_id=name, **place, matched_at=at),
        count(at - at % 60_000, **place),
        track(f"t-{name}", at, (0, 0.1, 0.1), (60, 0.9, 0.9), **place),
    )


def places(lake: Lake, dataset: str) -> set[tuple[str, str]]:
    """Return camera, and day and hour of UTC, of each row in a data set's objects."""
    return {(row["camera"], f"{row[BEGINS[dataset]]:%dT%H}") for row in lake.parquet(dataset)}


def test_of_a_day_without_rows_the_span_goes_out_of_objects_and_rollups(
    house: House, lake: Lake
) -> None:
    for ago in (hours(125), hours(123), hours(28)):
        for camera in ("gate", "yard"):
            happen(lake, ago, camera)
    organisation = settle_in(house, lake)
    assert house.count("counts") == 2
    erasure = house.ask(organisation, "south", "gate", NOW - hours(124), NOW - hours(27))
    house.keep()
    lake.work()
    left = {("gate", "23T07"), ("yard", "23T07"), ("yard", "23T09"), ("yard", "27T08")}
    for dataset in BEGINS:
        assert places(lake, dataset) == left, dataset
        assert sum(lake.remembered(dataset).values()) == 4
    for table in FIGURES:
        stored = {
            (camera, f"{at:%dT%H}")
            for camera, at in lake.rows(
                f"SELECT camera, bucket_at FROM {table} WHERE grain = 'hour'"
            )
        }
        assert stored == left, table
        # A day that nobody can compute again is not divided: of the camera it is gone.
        days = f"SELECT FROM {table} WHERE camera = 'gate' AND grain IN ('day', 'local_day')"
        assert lake.rows(days) == [], table
        assert {row["camera"] for row in lake.parquet(table) if row["grain"] == "day"} == {"yard"}
    state, report = house.report(erasure)
    assert state == "done"
    assert report["removed"]["parquet"] == 8
    # The hour, its day, and the local day; of the younger one the rows went, and figures followed.
    assert report["removed"]["rollup_counts"] == 3
    assert report["beyond_the_span"]["rollup_counts"] == 2


def test_a_hold_keeps_rows_in_parquet_as_it_keeps_them_in_postgres(
    house: House, lake: Lake
) -> None:
    for name in ("held", "other"):
        happen(lake, hours(123), name=name)
    organisation = settle_in(house, lake, on_hold="held")
    assert house.ids() == {"held"}
    erasure = house.ask(organisation, "south", None, NOW - hours(130), NOW - hours(120))
    house.keep()
    lake.work()
    assert [row["event_id"] for row in lake.parquet("events")] == ["held"]
    assert [row["event_id"] for row in lake.parquet("verdicts")] == ["held"]
    assert house.ids() == house.ids("verdicts") == {"held"}
    assert lake.parquet("tracks") == lake.parquet("counts") == []
    assert house.report(erasure)[1]["on_hold"] == ["held"]


def test_once_a_hold_is_released_its_rows_go_out_of_old_objects_too(
    house: House, lake: Lake
) -> None:
    happen(lake, hours(123), name="held")
    organisation = settle_in(house, lake, on_hold="held")
    house.ask(organisation, "south", None, NOW - hours(130), NOW - hours(120))
    house.keep()
    house.connection.execute("UPDATE holds SET released_at = clock_timestamp()")
    house.keep(NOW + hours(2))
    assert house.ids() == set()
    assert lake.objects("events") == lake.objects("verdicts") == {}


def test_an_object_of_which_nothing_is_left_is_removed(house: House, lake: Lake) -> None:
    happen(lake, hours(123))
    organisation = settle_in(house, lake)
    house.ask(organisation, "south", None, NOW - hours(130), NOW - hours(120))
    house.keep()
    assert all(lake.objects(dataset) == {} == lake.remembered(dataset) for dataset in BEGINS)


def test_an_object_that_began_days_before_and_lasts_into_the_span_goes(
    house: House, lake: Lake
) -> None:
    place = {"site": "south"}
    long = track("long", ms(hours(200)), (0, 0.1, 0.1), (100 * 3600, 0.2, 0.2), **place)
    short = track("short", ms(hours(199)), (0, 0.1, 0.1), (60, 0.2, 0.2), **place)
    before = track("before", ms(hours(230)), (0, 0.1, 0.1), (60, 0.2, 0.2), **place)
    lake.arrive(long, short, before)
    organisation = settle_in(house, lake)
    house.ask(organisation, "south", "gate", NOW - hours(124), NOW - hours(120))
    house.keep()
    assert sorted(row["track_id"] for row in lake.parquet("tracks")) == ["before", "short"]


def test_another_organisation_and_another_site_lose_nothing(house: House, lake: Lake) -> None:
    happen(lake, hours(123))
    settle_in(house, lake)
    other = house.organisation("other", "east")
    before = {dataset: lake.objects(dataset) for dataset in (*BEGINS, *ROLLUPS)}
    house.ask(other, "south", None, NOW - hours(130), NOW - hours(100))
    house.ask(other, "east", None, NOW - hours(130), NOW - hours(100))
    house.keep()
    lake.work()
    assert {dataset: lake.objects(dataset) for dataset in before} == before


def test_objects_written_later_are_looked_through_while_an_erasure_is_in_force(
    house: House, lake: Lake
) -> None:
    happen(lake, hours(123))
    organisation = settle_in(house, lake)
    [(key, content)] = lake.objects("counts").items()
    [said] = lake.rows("SELECT * FROM parquet_objects WHERE object_key = %s", key)
    erasure = house.ask(organisation, "south", None, NOW - hours(130), NOW - hours(120))
    house.keep()
    # Somebody had read the rows before they went, and writes them only now.
    lake.bucket._client.put_object(lake.bucket.bucket, key, io.BytesIO(content), len(content))
    columns = "dataset, site, day, organisation_id, object_key, rows, bytes, sha256"
    lake.connection.execute(
        f"INSERT INTO parquet_objects ({columns}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)".encode(),
        said[:8],
    )
    house.keep(NOW + hours(2))
    assert lake.objects("counts") == {}
    assert house.report(erasure)[1]["removed"]["parquet"] == 5


def test_figures_that_were_made_right_outlive_the_rows_that_were_left(
    house: House, lake: Lake
) -> None:
    """While an erasure is in force the edges of its span may come to lie before the horizon."""
    happen(lake, hours(40))
    happen(lake, hours(39))
    organisation = settle_in(house, lake)
    house.ask(organisation, "south", None, NOW - hours(39.5), NOW - hours(38))
    house.keep()
    figures = lake.rows("SELECT grain, bucket_at, forward FROM rollup_counts ORDER BY 1, 2")
    assert [forward for _, _, forward in figures] == [1, 1, 1]
    house.keep(NOW + timedelta(days=5))
    lake.work(NOW + timedelta(days=5))
    assert house.count("counts") == 0
    assert lake.rows("SELECT grain, bucket_at, forward FROM rollup_counts ORDER BY 1, 2") == figures


def test_whatever_is_no_parquet_file_is_named(house: House, lake: Lake) -> None:
    happen(lake, hours(123))
    organisation = settle_in(house, lake)
    [key] = lake.objects("counts")
    lake.bucket._client.put_object(lake.bucket.bucket, key, io.BytesIO(b"rubbish"), 7)
    erasure = house.ask(organisation, "south", None, NOW - hours(130), NOW - hours(120))
    with pytest.raises(Retryable, match="counts/site=south/day=2026-11-23"):
        house.keep()
    assert house.report(erasure)[0] == "waiting"
    lake.bucket.remove(lake.bucket.bucket, [key])
    house.keep()
    assert house.report(erasure)[0] == "done"


class Died(Exception):
    """The housekeeper was killed."""


@dataclass
class Dying:
    """Dies at the call of a given number, before or after the work."""

    number: int
    after: bool
    calls: int = 0

    def around(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            self.calls += 1
            dies = self.calls == self.number
            if dies and not self.after:
                raise Died
            done = work(*given, **named)
            if dies:
                raise Died
            return done

        return call


MINUTES = st.integers(min_value=26 * 60, max_value=130 * 60)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    happened=st.lists(
        st.tuples(MINUTES, st.sampled_from(("gate", "yard"))), min_size=1, max_size=10, unique=True
    ),
    span=st.tuples(MINUTES, MINUTES).map(sorted).filter(lambda pair: pair[0] < pair[1]),
    camera=st.sampled_from(("gate", None)),
    held=st.integers(min_value=0, max_value=9),
    dying=st.builds(Dying, st.integers(min_value=1, max_value=12), st.booleans()),
)
def test_whatever_happened_an_erasure_leaves_nothing_of_the_span(
    house: House,
    happened: list[tuple[int, str]],
    span: list[int],
    camera: str | None,
    held: int,
    dying: Dying,
) -> None:
    house.connection.execute(
        "TRUNCATE events, event_changes, event_places, verdicts, counts, tracks, rollup_marks, "
        "cameras, sites, holds, erasures, parquet_objects, retention_horizon, organisations CASCADE"
    )
    lake = Lake(house)
    lake.forget()
    for dataset in (*BEGINS, *ROLLUPS):
        lake.bucket.remove(lake.bucket.bucket, list(lake.objects(dataset)))
    names = {}
    for minute, where in happened:
        name = f"{where}-{minute}"
        names[name] = (NOW - timedelta(minutes=minute), where)
        happen(lake, timedelta(minutes=minute), where, name)
    on_hold = list(names)[held] if held < len(names) else None
    organisation = settle_in(house, lake, on_hold)
    exported = {dataset: lake.parquet(dataset) for dataset in BEGINS}

    from_at, to_at = (NOW - timedelta(minutes=minutes) for minutes in reversed(span))
    erasure = house.ask(organisation, "south", camera, from_at, to_at)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("put_file", "remove", "read"):
            patch.setattr(AnalyticsBucket, name, dying.around(getattr(AnalyticsBucket, name)))
        patch.setattr(erasing_objects, "take_out", dying.around(filtering.take_out))
        try:
            house.keep()
        except Died:
            assert house.report(erasure)[0] == "waiting"
    house.keep()
    lake.work()
    assert house.report(erasure)[0] == "done"

    def stays(row: dict[str, Any], at: str, until: str) -> bool:
        inside = row[at] < to_at and row[until] >= from_at and camera in (None, row["camera"])
        return not inside or (on_hold is not None and row.get("event_id") == on_hold)

    for dataset, rows in exported.items():
        wanted = [row for row in rows if stays(row, BEGINS[dataset], ENDS[dataset])]
        found = lake.parquet(dataset)
        assert sorted(map(repr, found)) == sorted(map(repr, wanted)), dataset
        assert sum(lake.remembered(dataset).values()) == len(wanted)
    _no_bucket_of_the_span_is_left(lake, camera, from_at, to_at)
    figures = lake.figures()
    lake.rebuild(NOW - timedelta(days=10), NOW)
    assert lake.figures() == figures


def _no_bucket_of_the_span_is_left(
    lake: Lake, camera: str | None, from_at: datetime, to_at: datetime
) -> None:
    for table, kind in (("rollup_counts", "counts"), ("rollup_tracks", "tracks")):
        old = lake.rows(
            f"SELECT count(*) FROM {table} JOIN retention_horizon AS kept ON kept.site = "
            f"{table}.site AND kept.kind = %s WHERE bucket_at < kept_from AND bucket_at < %s "
            "AND ends_at > %s AND (%s::text IS NULL OR camera = %s)",
            *(kind, to_at, from_at, camera, camera),
        )
        assert old == [(0,)], table
        inside = lake.rows(
            f"SELECT count(*) FROM {table} WHERE bucket_at >= %s AND ends_at <= %s "
            "AND (%s::text IS NULL OR camera = %s)",
            *(from_at, to_at, camera, camera),
        )
        assert inside == [(0,)], table
