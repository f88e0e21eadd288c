from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from consumers.access.permissions import Role
from tests.contract.api.tenants import Tenant


def change(tenant: Tenant, event_id: str, tag: str | None, **body: Any) -> httpx.Response:
    headers = {} if tag is None else {"If-Match": tag}
    return tenant.http.patch(f"/api/v1/events/{event_id}/handling", json=body, headers=headers)


def words(tenant: Tenant, event_id: str) -> list[str]:
    shown = tenant.http.get(f"/api/v1/events/{event_id}").json()
    return [word["verdict"] for word in shown["words"]]


def test_a_change_is_made_to_the_version_that_was_seen(tenant: Tenant) -> None:
    event_id = tenant.event()
    tag = tenant.http.get(f"/api/v1/events/{event_id}/handling").headers["ETag"]
    assert change(tenant, event_id, None, state="resolved").status_code == 428
    first = change(tenant, event_id, tag, state="resolved")
    assert first.status_code == 200, first.text
    assert first.json()["state"] == "resolved"
    late = change(tenant, event_id, tag, state="new")
    assert late.status_code == 412
    assert late.headers["ETag"] == first.headers["ETag"] != tag
    assert change(tenant, event_id, f"W/{first.headers['ETag']}", state="new").status_code == 412
    reopened = change(tenant, event_id, first.headers["ETag"], state="new")
    assert reopened.json()["acknowledged_by"] is None


def test_the_first_who_acknowledges_has_acknowledged(tenant: Tenant) -> None:
    event_id = tenant.event()
    operator = tenant.member(Role.OPERATOR)
    with tenant.as_(operator) as http:
        http.post(f"/api/v1/events/{event_id}/acknowledge")
    again = tenant.http.post(f"/api/v1/events/{event_id}/acknowledge").json()
    assert (again["acknowledged_by"], again["version"]) == (f"of {operator.mail}", 1)


def test_nobody_is_given_what_they_may_not_see(tenant: Tenant) -> None:
    event_id = tenant.event()
    for site, status in ((tenant.site, 200), (tenant.another_site(), 422)):
        limited = tenant.member(Role.OPERATOR, sites=[site])
        answer = change(tenant, event_id, "*", assigned_to=str(limited.user_id))
        assert answer.status_code == status


def test_only_members_are_assigned_to(tenant: Tenant) -> None:
    event_id = tenant.event()
    stranger = change(tenant, event_id, "*", assigned_to=str(uuid.uuid4()))
    assert stranger.status_code == 422
    colleague = str(tenant.member(Role.OPERATOR).user_id)
    assert change(tenant, event_id, "*", assigned_to=colleague).json()["assigned_to"] == colleague
    found = tenant.http.get("/api/v1/events", params={"assigned_to": colleague}).json()["items"]
    assert [item["event_id"] for item in found] == [event_id]
    assert not tenant.http.get("/api/v1/events?assigned_to=nobody").json()["items"]
    assert change(tenant, event_id, "*", assigned_to=None).json()["assigned_to"] is None


def test_a_label_is_one_word_however_often_it_is_said(tenant: Tenant) -> None:
    event_id = tenant.event()
    for label in ("false", "false", "ignore_here", "false"):
        answer = change(tenant, event_id, "*", label=label)
        assert answer.json()["label"] == label
    assert answer.json()["state"] == "acknowledged"
    assert words(tenant, event_id) == ["dismissed", "ignored_here", "dismissed"]


def test_nothing_changes_without_saying_what(tenant: Tenant) -> None:
    event_id = tenant.event()
    assert change(tenant, event_id, "*").status_code == 422
    assert change(tenant, event_id, "*", colour="red").status_code == 422


def test_many_are_acknowledged_by_filter_up_to_a_bound(tenant: Tenant) -> None:
    made = tenant.events(5)
    tenant.http.post(f"/api/v1/events/{made[4]}/acknowledge")
    body = {"filter": {"rule": ["intrusion"]}, "limit": 3}
    answer = tenant.http.post("/api/v1/events/acknowledge", json=body)
    assert answer.status_code == 200, answer.text
    assert [one["event_id"] for one in answer.json()["results"]] == [made[3], made[2], made[1]]
    assert answer.json()["more"]
    left = tenant.http.get("/api/v1/events?handling=new").json()["items"]
    assert [item["event_id"] for item in left] == [made[0]]


def test_two_who_acknowledge_the_same_at_once_do_it_once(tenant: Tenant) -> None:
    made = tenant.events(20)

    def acknowledge(event_ids: list[str]) -> list[str]:
        answer = httpx.post(
            f"{tenant.url}/api/v1/events/acknowledge",
            json={"event_ids": event_ids},
            headers=tenant.owner.key,
            timeout=30,
        )
        assert answer.status_code == 200, answer.text
        return [one["outcome"] for one in answer.json()["results"]]

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(acknowledge, [made, made[::-1], made, made[::-1]]))
    assert sum(one.count("acknowledged") for one in outcomes) == len(made)
    assert sum(one.count("already") for one in outcomes) == 3 * len(made)


def test_ids_or_a_filter_not_both(tenant: Tenant) -> None:
    bodies: list[dict[str, Any]] = [{}, {"event_ids": ["a"], "filter": {}}, {"event_ids": []}]
    for body in bodies:
        answer = tenant.http.post("/api/v1/events/acknowledge", json=body)
        assert answer.status_code == 422, body


def test_viewers_look_on(tenant: Tenant) -> None:
    event_id = tenant.event()
    with tenant.as_(tenant.member(Role.VIEWER)) as http:
        assert http.get(f"/api/v1/events/{event_id}").status_code == 200
        assert http.post(f"/api/v1/events/{event_id}/acknowledge").status_code == 403
