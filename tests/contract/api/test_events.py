from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import httpx
import psycopg
import pytest

from consumers.access.permissions import Role
from consumers.access.principal import Scope
from consumers.api.routes.events import NEWEST, OLDEST
from consumers.store.database import Database
from consumers.store.event_search import EventFilter, find_events
from tests.contract.api.tenants import MINUTE_MS, Tenant
from tests.contract.consumers.store_rows import OPENED_AT


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["event_id"] for item in answer.json()["items"]]


def listed(tenant: Tenant, **query: Any) -> set[str]:
    return set(ids(tenant.http.get("/api/v1/events", params=query)))


def all_pages(http: httpx.Client, address: str, key: str = "event_id") -> list[str]:
    found: list[str] = []
    following: str | None = address
    while following is not None:
        answer = http.get(following)
        assert answer.status_code == 200, answer.text
        found += [item[key] for item in answer.json()["items"]]
        following = answer.json()["next"]
    return found


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_pages_hold_every_event_once_in_order(tenant: Tenant, order: str) -> None:
    old = tenant.event(opened_at=OPENED_AT - 200 * 24 * 60 * MINUTE_MS)
    made = [old, *tenant.events(12)]
    # Two at the same moment: the id decides.
    made[-1:] = sorted([made[-1], tenant.event(opened_at=OPENED_AT + 11 * MINUTE_MS)])
    found = all_pages(tenant.http, f"/api/v1/events?limit=5&order={order}")
    assert found == (made if order == "oldest" else made[::-1])


def test_what_arrives_between_two_pages_moves_nothing(tenant: Tenant) -> None:
    made = tenant.events(4)
    first = tenant.http.get("/api/v1/events?limit=2")
    tenant.event(opened_at=OPENED_AT + 100 * MINUTE_MS)
    second = tenant.http.get(first.json()["next"])
    assert ids(first) + ids(second) == made[::-1]
    assert second.json()["next"] is None


def test_each_filter_restricts(tenant: Tenant) -> None:
    other_site = tenant.another_site()
    plain = tenant.event()
    others = {
        "site": tenant.event(site=other_site),
        "camera": tenant.event(camera="yard"),
        "rule": tenant.event(rule="tailgating"),
        "severity": tenant.event(severity="info"),
        "class_name": tenant.event(class_name="dog"),
        "verdict": tenant.event(verdict="shadow"),
        "mode": tenant.event(mode="shadow"),
        "state": tenant.event(state="closed", revision=2, closed_at=OPENED_AT + 1),
        "since": tenant.event(opened_at=OPENED_AT + MINUTE_MS),
        "until": tenant.event(opened_at=OPENED_AT - MINUTE_MS),
    }
    asked: dict[str, Any] = {
        "site": other_site,
        "camera": f"{tenant.site}/yard",
        "rule": "tailgating",
        "severity": "info",
        "class_name": "dog",
        "verdict": "shadow",
        "mode": "shadow",
        "state": "closed",
        "since": (_time(OPENED_AT) + timedelta(seconds=1)).isoformat(),
        "until": _time(OPENED_AT).isoformat(),
    }
    for name, event_id in others.items():
        assert listed(tenant, **{name: asked[name]}) == {event_id}, name
    assert listed(tenant) == {plain, *others.values()}
    assert listed(tenant, rule=["tailgating", "intrusion"], severity=["info", "alert"]) == {
        plain,
        *others.values(),
    }


def test_text_finds_names_whole_and_by_their_beginning_and_words_of_comments(
    tenant: Tenant,
) -> None:
    seven, seventeen = tenant.event(camera="cam-7"), tenant.event(camera="cam-17")
    commented = tenant.event(camera="yard")
    answer = tenant.http.post(
        f"/api/v1/events/{commented}/comments", json={"text": "The gardener's wheelbarrow."}
    )
    assert answer.status_code == 201, answer.text
    assert listed(tenant, text="cam-7") == {seven}
    assert listed(tenant, text="CAM intru") == {seven, seventeen}
    assert listed(tenant, text="wheelbarrow") == {commented}
    assert listed(tenant, text="wheelbarrow cam") == set()
    assert listed(tenant, text="' | ! & \\ :*") == set()


def test_a_search_that_looked_among_enough_goes_on_at_the_next_page(
    tenant: Tenant,
) -> None:
    day_ms = 24 * 60 * MINUTE_MS
    first, last = _time(OPENED_AT - 30 * day_ms).date(), _time(OPENED_AT).date()
    with psycopg.connect(tenant.dsn, autocommit=True) as connection:
        connection.execute("SELECT sightline_make_partitions(%s, %s)", [first, last])
        events = [tenant.event(opened_at=OPENED_AT - days * day_ms) for days in (0, 1, 3, 9, 27)]
        connection.execute("ANALYZE events")

    async def pages(order: Literal["newest", "oldest"]) -> list[list[str]]:
        keyset = NEWEST if order == "newest" else OLDEST
        found, cursor = [], None
        async with Database(tenant.dsn) as database:
            while True:
                async with database.tenant(tenant.owner.organisation_id) as connection:
                    seen = await find_events(
                        connection,
                        Scope(),
                        EventFilter(text="intrusion", since=_time(OPENED_AT - 40 * day_ms)),
                        keyset.look(cursor, 100),
                        _time(OPENED_AT),
                        most_for_text=0,
                    )
                found.append([row["event_id"] for row in seen.rows])
                if seen.stopped_at is None:
                    return found
                cursor = keyset.cursor({"opened_at": seen.stopped_at, "event_id": ""})

    newest, oldest = asyncio.run(pages("newest")), asyncio.run(pages("oldest"))
    assert len(newest) > 1 and len(oldest) > 1
    assert [one for page in newest for one in page] == events
    assert [one for page in oldest for one in page] == events[::-1]


def test_a_group_of_cameras_is_a_filter(tenant: Tenant) -> None:
    in_group, _ = tenant.event(camera="gate"), tenant.event(camera="yard")
    made = tenant.http.post(
        "/api/v1/camera-groups", json={"name": "Doors", "cameras": [f"{tenant.site}/gate"]}
    )
    assert made.status_code == 201, made.text
    assert listed(tenant, group=made.json()["group_id"]) == {in_group}


def test_somebody_limited_sees_and_handles_no_more(tenant: Tenant) -> None:
    mine, others = tenant.event(), tenant.event(site=tenant.another_site())
    with tenant.as_(tenant.member(Role.OPERATOR, sites=[tenant.site])) as http:
        assert ids(http.get("/api/v1/events")) == [mine]
        for address in (f"/api/v1/events/{others}", f"/api/v1/events/{others}/handling"):
            assert http.get(address).status_code == 404
        assert http.post(f"/api/v1/events/{others}/acknowledge").status_code == 404
        answer = http.post(
            "/api/v1/events/acknowledge", json={"event_ids": [mine, others, "nothing"]}
        )
        outcomes = {one["event_id"]: one["outcome"] for one in answer.json()["results"]}
        assert outcomes == {mine: "acknowledged", others: "not-found", "nothing": "not-found"}


def test_another_organisation_sees_nothing(tenant: Tenant) -> None:
    event_id = tenant.event()
    with Tenant(tenant.dsn, tenant.url) as stranger:
        assert listed(stranger) == set()
        assert listed(stranger, text="intrusion") == set()
        assert stranger.http.get(f"/api/v1/events/{event_id}").status_code == 404


def test_an_event_comes_with_all_that_belongs_to_it(tenant: Tenant) -> None:
    event_id = tenant.event()
    tenant.event(event_id=event_id, state="updated", revision=2, at=OPENED_AT + 1000)
    candidate = tenant.candidate(event_id=event_id)
    snapshot = tenant.evidence(event_id=event_id)
    tenant.http.post(f"/api/v1/events/{event_id}/acknowledge")
    answer = tenant.http.get(f"/api/v1/events/{event_id}")
    shown = answer.json()
    assert [change["revision"] for change in shown["changes"]] == [1, 2]
    assert shown["candidates"][0]["candidate_id"] == candidate
    assert shown["candidates"][0]["reasons"][0]["check"] == "moved"
    assert [piece["evidence_id"] for piece in shown["evidence"]] == [snapshot]
    [entry] = shown["history"]
    assert (entry["action"], entry["actor"]) == ("acknowledge", f"of {tenant.owner.mail}")
    again = tenant.http.get(
        f"/api/v1/events/{event_id}", headers={"If-None-Match": answer.headers["ETag"]}
    )
    assert again.status_code == 304 and not again.content
    [item] = tenant.http.get("/api/v1/events").json()["items"]
    assert item["snapshot"] == snapshot


def test_candidates_and_evidence_of_cameras_beyond_the_limits_are_not_shown(
    tenant: Tenant,
) -> None:
    event_id = tenant.event(camera="gate")
    tenant.health("gate")
    near = tenant.candidate(event_id=event_id, camera="gate")
    far = tenant.candidate(event_id=event_id, camera="yard")
    tenant.evidence(event_id=event_id, camera="yard")
    made = tenant.http.post(
        "/api/v1/camera-groups", json={"name": "Gates", "cameras": [f"{tenant.site}/gate"]}
    ).json()
    address = f"/api/v1/events/{event_id}"
    shown = tenant.http.get(address).json()
    assert {one["candidate_id"] for one in shown["candidates"]} == {near, far}
    with tenant.as_(tenant.member(Role.VIEWER, groups=[made["group_id"]])) as http:
        shown = http.get(address).json()
        assert [one["candidate_id"] for one in shown["candidates"]] == [near]
        assert shown["evidence"] == []


def test_what_people_did_survives_a_later_revision(tenant: Tenant) -> None:
    event_id = tenant.event()
    tenant.http.post(f"/api/v1/events/{event_id}/acknowledge")
    tenant.event(event_id=event_id, state="closed", revision=3, closed_at=OPENED_AT + 5)
    shown = tenant.http.get(f"/api/v1/events/{event_id}").json()
    assert (shown["state"], shown["handling"]["state"]) == ("closed", "acknowledged")


def _time(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC)
