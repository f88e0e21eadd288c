from __future__ import annotations

from datetime import timedelta

import pytest

from consumers.keeping.run import Keeper
from consumers.sinks.objects import ObjectStore
from schemas.errors import Retryable
from tests.contract.keeping.house import NOW, House


def days(number: float) -> timedelta:
    return timedelta(days=number)


def test_each_organisation_keeps_its_own_time_and_a_hold_outlasts_it(house: House) -> None:
    house.organisation("long", "north", events=400, candidates=400, evidence=400, tracks=400)
    house.organisation("short", "south", events=10, candidates=10, evidence=5, tracks=2)
    kept = house.happen("north", days(200))
    gone = house.happen("south", days(200))
    held = house.happen("south", days(200))
    young = house.happen("south", days(7))
    house.hold(held)
    objects = house.stored_objects()

    removed = house.keep()

    assert house.ids() == house.ids("event_changes") == house.ids("verdicts") == {kept, held, young}
    assert house.ids("event_places") == {kept, held, young}
    # Of the young one the picture was due.
    assert house.ids("evidence") == {kept, held}
    assert [house.exists(objects[event]) for event in (kept, held, gone, young)] == [
        True,
        True,
        False,
        False,
    ]
    assert (removed["events"], removed["evidence"]) == (1, 2)
    assert house.keep() == {}


def test_days_that_nobody_keeps_go_as_partitions_and_days_ahead_are_made(house: House) -> None:
    house.organisation("short", "south", events=10, candidates=10, evidence=10, tracks=10)
    long_ago = NOW - days(30)
    house.connection.execute(
        "SELECT sightline_make_partitions(%s, %s)", [long_ago.date(), long_ago.date()]
    )
    house.happen("south", days(30))
    name = f"events_{long_ago:%Y%m%d}"
    assert name in house.partitions("events")

    house.keep()

    parts = house.partitions("events")
    assert name not in parts
    assert f"events_{NOW + days(7):%Y%m%d}" in parts
    assert house.ids() == house.ids("event_places") == set()


def test_rows_of_a_day_without_a_partition_move_into_the_new_one(house: House) -> None:
    house.organisation("short", "south")
    event = house.happen("south", days(1))
    other = house.happen("south", days(20))
    assert house.count("events_other") == 2

    house.keep()

    assert house.ids() == {event, other}
    assert house.count("events_other") == 1
    assert house.count(f"events_{NOW - days(1):%Y%m%d}") == 1
    assert house.ids("event_changes") == {event, other}


def test_rows_of_sites_that_nobody_owns_are_kept_for_the_usual_time(house: House) -> None:
    house.happen("stray", days(400))
    young = house.happen("stray", days(50))
    house.keep()
    assert house.ids() == {young}


def test_a_store_that_is_away_leaves_rows_for_the_next_time(house: House) -> None:
    house.organisation("short", "south", evidence=1)
    house.happen("south", days(3))
    nowhere = ObjectStore("http://127.0.0.1:1", "a", "b", "c")
    away = Keeper(house.dsn, nowhere, house.analytics, house.mongo_url)
    with pytest.raises(Retryable, match="object storage"):
        away.turn(0.0, NOW)
    away.close()
    assert len(house.ids("evidence")) == 1
    assert house.keep()["evidence"] == 1


def test_two_housekeepers_do_not_work_at_once(house: House) -> None:
    house.organisation("short", "south", events=1)
    house.happen("south", days(3))
    with house.another_works():
        assert house.keep() == {}
    assert house.keep()["events"] == 1
