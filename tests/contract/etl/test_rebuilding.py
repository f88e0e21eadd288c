"""Whatever the order, the repeats and the turns in between: the figures are those of a rebuild."""

from __future__ import annotations

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consumers.etl.recomputing import take_turn
from consumers.etl.rollups.registry import SUBJECTS
from schemas.records import Count
from tests.contract.consumers.store_rows import event, verdict
from tests.contract.etl.cloud import TURNS, Cloud, at
from tests.unit.consumers.etl.analytics_records import count, health, track

FIRST_MS = round(at("2026-03-28T00:00").timestamp() * 1000)
MINUTE_MS = 60_000
SITES = {"east": "Asia/Kathmandu", "west": "Europe/Madrid"}
# Two days, in one of which Madrid's clocks change.
MOMENTS = st.integers(0, 48 * 60 - 1).map(lambda number: FIRST_MS + number * MINUTE_MS)
REBUILD: Literal["rebuild"] = "rebuild"
ACTIONS = (*TURNS, REBUILD, None, None, None)


@st.composite
def revisions(draw: st.DrawFn) -> list[Any]:
    """All tellings of one thing, the oldest first."""
    site, moment = draw(st.sampled_from(sorted(SITES))), draw(MOMENTS)
    number, tellings = draw(st.integers(0, 10**6)), draw(st.integers(1, 3))
    amount = draw(st.integers(0, 5))
    place: dict[str, Any] = {"site": site, "camera": draw(st.sampled_from(("gate", "yard")))}
    match draw(st.sampled_from(("count", "event", "verdict", "track", "health"))):
        case "count":
            return [
                count(moment, **place, forward=amount + n, exits=n, dwell_total_s=0.1 * n * amount,
                      dwell_max_s=0.1 * amount, occupancy_max=n, revision=n)
                for n in range(1, tellings + 1)
            ]  # fmt: skip
        case "event":
            return [
                event(f"{site}-{number}", **place, opened_at=moment, at=moment, triggers=n,
                      revision=n, closed_at=moment + 100 * amount if n == 3 else None)
                for n in range(1, tellings + 1)
            ]  # fmt: skip
        case "verdict":
            said = ("accepted", "suppressed", "shadow")
            return [
                verdict(f"{site}-{number}", **place, matched_at=moment, verdict=said[(n + amount) % 3],
                        revision=n)
                for n in range(1, tellings + 1)
            ]  # fmt: skip
        case "track":
            walk = [(0.0, 0.1 * amount, 0.2), (60.0 * amount, 0.9, 0.15 * amount)]
            return [
                track(
                    f"{site}-{number}", moment, *walk, (60.0 * amount + 30.0 * n, 0.5, 0.5), **place
                )
                for n in range(1, tellings + 1)
            ]
        case _:
            state = draw(st.sampled_from(("online", "offline", "ended")))
            return [health(moment + number % MINUTE_MS, state, site=site, name=place["camera"])]


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(revisions(), min_size=1, max_size=15), st.data())
def test_any_arrival_gives_the_figures_of_a_rebuild(
    cloud: Cloud, things: list[list[Any]], data: st.DataObject
) -> None:
    _clear(cloud)
    arrivals = [telling for thing in things for telling in thing]
    repeats = data.draw(st.lists(st.sampled_from(arrivals), max_size=5))
    for telling in data.draw(st.permutations([*arrivals, *repeats])):
        cloud.arrive(telling)
        match data.draw(st.sampled_from(ACTIONS)):
            case "rebuild":
                cloud.rebuild(at("2026-03-28T05:00"), at("2026-03-29T07:00"))
            case None:
                pass
            case turn:
                cloud.turn(turn)
    cloud.settle()
    arrived = cloud.figures()
    assert arrived["rollup_counts"] == [] or _counts(cloud) == _reference(arrivals)
    cloud.rebuild(at("2026-03-27T00:00"), at("2026-03-31T00:00"))
    assert cloud.figures() == arrived
    cloud.forget()
    cloud.rebuild(at("2026-03-27T00:00"), at("2026-03-31T00:00"))
    assert cloud.figures() == arrived


def _clear(cloud: Cloud) -> None:
    cloud.connection.execute(
        "TRUNCATE events, event_changes, event_places, verdicts, counts, tracks, health, "
        "health_changes, health_minutes, rollup_marks, cameras, sites CASCADE"
    )
    cloud.forget()
    for site, zone in SITES.items():
        cloud.zone(site, zone)


def _counts(cloud: Cloud) -> Counter[Any]:
    rows = cloud.rows(
        "SELECT site, camera, bucket_at, forward FROM rollup_counts WHERE grain = 'hour'"
    )
    return Counter({(site, camera, hour): forward for site, camera, hour, forward in rows})


def _reference(arrivals: list[Any]) -> Counter[Any]:
    newest: dict[str, Count] = {}
    for record in arrivals:
        if isinstance(record, Count):
            known = newest.setdefault(record.count_id, record)
            newest[record.count_id] = max(known, record, key=lambda one: one.revision)
    total: Counter[Any] = Counter()
    for record in newest.values():
        hour = at("1970-01-01") + timedelta(hours=record.minute_at // 3_600_000)
        total[record.site, record.camera, hour] += record.forward
    return total


def test_a_row_that_commits_while_its_bucket_is_computed_is_not_missed(cloud: Cloud) -> None:
    cloud.arrive(count(FIRST_MS))
    with psycopg.connect(cloud.dsn) as slow:
        slow.execute("SELECT 1")
        late = Cloud(slow, cloud.dsn)
        late.arrive(count(FIRST_MS + MINUTE_MS, forward=10))
        # The hour is marked twice; only one mark and one row can be seen as yet.
        cloud.settle()
        assert cloud.rows("SELECT forward FROM rollup_counts WHERE grain = 'hour'") == [(1,)]
        slow.commit()
    cloud.settle()
    assert cloud.rows("SELECT forward FROM rollup_counts WHERE grain = 'hour'") == [(11,)]


def test_two_workers_never_compute_the_same_buckets_at_once(cloud: Cloud) -> None:
    cloud.arrive(count(FIRST_MS))
    cloud.connection.execute("SET lock_timeout = '2s'")
    with psycopg.connect(cloud.dsn) as slow:
        with slow.transaction():
            assert take_turn(slow, "counts", "hour") == 1
            cloud.arrive(count(FIRST_MS + MINUTE_MS, forward=10))
            assert take_turn(cloud.connection, "counts", "hour") == 0
            # Another subject, or other buckets' turn, waits for nobody.
            cloud.arrive(verdict("c", matched_at=FIRST_MS))
            assert take_turn(cloud.connection, "verdicts", "minute") == 1
        slow.commit()
    cloud.settle()
    assert cloud.rows("SELECT forward FROM rollup_counts WHERE grain = 'hour'") == [(11,)]


def test_workers_and_sinks_side_by_side_agree_with_a_rebuild(cloud: Cloud) -> None:
    done = threading.Event()

    def write(seed: int) -> None:
        chance = random.Random(seed)
        with psycopg.connect(cloud.dsn, autocommit=True) as connection:
            own = Cloud(connection, cloud.dsn)
            for number in range(150):
                minute = FIRST_MS + chance.randrange(180) * MINUTE_MS
                told = count(minute, sensor=f"line-{chance.randrange(3)}")
                own.arrive(replace(told, forward=number, revision=number * 4 + seed))
                own.arrive(verdict(f"c-{seed}-{number}", matched_at=minute))

    def work() -> None:
        with psycopg.connect(cloud.dsn, autocommit=True) as connection:
            while not done.is_set():
                for turn in TURNS:
                    for subject in SUBJECTS:
                        take_turn(connection, subject, turn)

    with ThreadPoolExecutor() as pool:
        workers = [pool.submit(work) for _ in range(3)]
        writers = [pool.submit(write, seed) for seed in range(3)]
        wait(writers)
        done.set()
        for thread in (*writers, *workers):
            thread.result()
    cloud.settle()
    arrived = cloud.figures()
    cloud.forget()
    cloud.rebuild(at("2026-03-27T00:00"), at("2026-03-30T00:00"))
    assert cloud.figures() == arrived
    assert len(arrived["rollup_candidates"]) > 100


def test_nothing_shrinks_because_retention_removed_its_rows(cloud: Cloud) -> None:
    now = at("2026-04-10T12:00")
    cloud.arrive(*(count(FIRST_MS + number * 86_400_000) for number in range(10)))
    cloud.settle()
    before = cloud.figures()
    cloud.connection.execute("SELECT sightline_note_horizon('counts', 8, %s)", [now])
    cloud.connection.execute("DELETE FROM counts WHERE minute_at < %s", [now - timedelta(days=8)])
    cloud.settle()
    cloud.rebuild(at("2026-03-01"), now)
    assert cloud.figures() == before
    # What comes late for a time that is whole counts; what is older does not.
    cloud.arrive(count(FIRST_MS, sensor="new"), count(FIRST_MS + 8 * 86_400_000, sensor="new"))
    cloud.settle()
    days = cloud.rows("SELECT bucket_at FROM rollup_counts WHERE sensor = 'new' AND grain = 'day'")
    assert days == [(at("2026-04-05"),)]


def test_what_is_erased_goes_out_of_the_figures(cloud: Cloud) -> None:
    cloud.arrive(count(FIRST_MS), count(FIRST_MS, camera="yard"), track("t", FIRST_MS, (0, 0, 0)))
    cloud.settle()
    cloud.connection.execute("DELETE FROM counts WHERE camera = 'gate'")
    cloud.connection.execute("DELETE FROM tracks")
    cloud.settle()
    assert cloud.rows("SELECT DISTINCT camera FROM rollup_counts") == [("yard",)]
    assert cloud.figures()["rollup_heat"] == []


def test_giving_a_site_away_computes_nothing_again_and_shows_it_to_its_new_owner(
    cloud: Cloud,
) -> None:
    first, second = cloud.organisation("one", "depot-7"), cloud.organisation("two")
    cloud.arrive(
        count(FIRST_MS), verdict("c", matched_at=FIRST_MS), track("t", FIRST_MS, (0, 0, 0))
    )
    cloud.settle()
    cloud.connection.execute("TRUNCATE rollup_marks")
    cloud.connection.execute("SELECT sightline_give_site('depot-7', %s)", [second])
    assert cloud.rows("SELECT DISTINCT grain FROM rollup_marks") == [("export",)]
    for organisation, seen in ((first, 0), (second, 3)):
        with cloud.connection.transaction():
            cloud.connection.execute(
                "SELECT set_config('role', 'sightline_app', true), "
                "set_config('sightline.organisation', %s, true)",
                [organisation],
            )
            assert len(cloud.rows("SELECT FROM rollup_counts")) == seen


@pytest.mark.parametrize("site", ["depot-7", None])
def test_a_rebuild_touches_the_site_that_is_named(site: str | None, cloud: Cloud) -> None:
    cloud.arrive(count(FIRST_MS), count(FIRST_MS, site="other"))
    cloud.rebuild(at("2026-03-28"), at("2026-03-29"), site)
    sites = cloud.rows("SELECT DISTINCT site FROM rollup_counts ORDER BY site")
    assert sites == ([("depot-7",)] if site else [("depot-7",), ("other",)])
