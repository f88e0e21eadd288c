from __future__ import annotations

import time

from consumers.access.permissions import Role
from tests.contract.api.tenants import Tenant
from tests.contract.api.test_events import all_pages
from tests.contract.consumers.store_rows import OPENED_AT


def test_a_site_sums_up_its_cameras(tenant: Tenant) -> None:
    now = time.time_ns() // 1_000_000
    tenant.health("gate", at=now)
    tenant.health("yard", "offline", at=now)
    tenant.health("shed", at=OPENED_AT)
    tenant.event(camera="gate")
    [site] = tenant.http.get("/api/v1/sites").json()["items"]
    assert (site["site"], site["cameras"]) == (tenant.site, 3)
    assert site["camera_states"] == {"online": 1, "offline": 1, "unknown": 1}
    assert site["last_event_at"] == "2023-11-14T22:13:20Z"


def test_a_camera_shows_its_health_and_last_event(tenant: Tenant) -> None:
    tenant.health("gate", "offline", reason="no answer")
    newest = tenant.event(camera="gate", opened_at=OPENED_AT + 1000)
    tenant.event(camera="gate", opened_at=OPENED_AT)
    shown = tenant.http.get(f"/api/v1/cameras/{tenant.site}/gate").json()
    assert shown["health"]["state"] == "offline"
    assert shown["health"]["silent"]
    assert shown["last_event"]["event_id"] == newest
    tenant.database.execute("DELETE FROM event_places WHERE event_id = %s", [newest])
    assert tenant.http.get(f"/api/v1/cameras/{tenant.site}/gate").json()["last_event"] is None


def test_cameras_are_listed_by_site_group_and_state(tenant: Tenant) -> None:
    for name in ("a", "b", "c"):
        tenant.health(name, "offline" if name == "c" else "online")
    made = tenant.http.post(
        "/api/v1/camera-groups", json={"name": "Doors", "cameras": [f"{tenant.site}/b"]}
    ).json()
    assert all_pages(tenant.http, "/api/v1/cameras?limit=2", "camera") == ["a", "b", "c"]
    for query, expected in (
        (f"group={made['group_id']}", ["b"]),
        ("state=offline", ["c"]),
        (f"site={tenant.site}&state=online", ["a", "b"]),
        ("site=another", []),
    ):
        assert all_pages(tenant.http, f"/api/v1/cameras?{query}", "camera") == expected, query


def test_names_are_changed_at_the_version_that_was_seen(tenant: Tenant) -> None:
    tenant.health("gate")
    for address in (f"/api/v1/sites/{tenant.site}", f"/api/v1/cameras/{tenant.site}/gate"):
        tag = tenant.http.get(address).headers["ETag"]
        body = {"name": "Loading dock"}
        assert tenant.http.patch(address, json=body).status_code == 428
        changed = tenant.http.patch(address, json=body, headers={"If-Match": tag})
        assert changed.json()["name"] == "Loading dock"
        assert tenant.http.get(address).headers["ETag"] == changed.headers["ETag"]
        late = tenant.http.patch(address, json={"name": "x"}, headers={"If-Match": tag})
        assert late.status_code == 412


def test_a_time_zone_must_be_one(tenant: Tenant) -> None:
    address = f"/api/v1/sites/{tenant.site}"
    for zone, status in (("Europe/Madrid", 200), ("Mars/Olympus", 422), ("", 422)):
        answer = tenant.http.patch(address, json={"timezone": zone}, headers={"If-Match": "*"})
        assert answer.status_code == status
    assert tenant.http.get(address).json()["timezone"] == "Europe/Madrid"


def test_health_of_processes_is_for_those_who_see_the_whole_site(tenant: Tenant) -> None:
    tenant.health("gate")
    tenant.health("detect", kind="process", health_id=f"{tenant.site}/process/detect")
    made = tenant.http.post(
        "/api/v1/camera-groups", json={"name": "Doors", "cameras": [f"{tenant.site}/gate"]}
    ).json()
    assert len(tenant.http.get("/api/v1/health").json()["items"]) == 2
    assert len(tenant.http.get("/api/v1/health?kind=process").json()["items"]) == 1
    limited = tenant.member(Role.VIEWER, sites=[], groups=[made["group_id"]])
    with tenant.as_(limited) as http:
        assert [one["name"] for one in http.get("/api/v1/health").json()["items"]] == ["gate"]
        [site] = http.get("/api/v1/sites").json()["items"]
        assert site["site"] == tenant.site


def test_a_group_is_made_changed_and_removed(tenant: Tenant) -> None:
    tenant.health("gate")
    tenant.health("yard")
    gate, yard = f"{tenant.site}/gate", f"{tenant.site}/yard"
    groups = "/api/v1/camera-groups"
    made = tenant.http.post(groups, json={"name": "Doors", "cameras": [gate]})
    assert made.status_code == 201, made.text
    assert (made.json()["members"], made.json()["camera_states"]) == (1, {"unknown": 1})
    [listed] = tenant.http.get(groups).json()["items"]
    assert (listed["members"], listed["camera_states"]) == (1, {"unknown": 1})
    address = made.headers["Location"]
    assert tenant.http.post(groups, json={"name": "Doors", "cameras": []}).status_code == 409
    unknown = tenant.http.post(groups, json={"name": "x", "cameras": [f"{tenant.site}/none"]})
    assert unknown.status_code == 422
    tag = tenant.http.get(address).headers["ETag"]
    body = {"name": "Doors", "cameras": [yard]}
    changed = tenant.http.put(address, json=body, headers={"If-Match": tag})
    assert changed.json()["cameras"] == [yard]
    assert tenant.http.delete(address, headers={"If-Match": tag}).status_code == 412
    tenant.http.post(groups, json={"name": "Others", "cameras": []})
    taken = tenant.http.put(
        address, json={"name": "Others", "cameras": []}, headers={"If-Match": "*"}
    )
    assert taken.status_code == 409
    fresh = {"If-Match": changed.headers["ETag"]}
    assert tenant.http.delete(address, headers=fresh).status_code == 204
    assert tenant.http.get(address).status_code == 404


def test_whoever_is_limited_touches_no_group_with_cameras_beyond(tenant: Tenant) -> None:
    tenant.health("gate")
    other = tenant.another_site()
    tenant.health("dock", site=other, health_id=f"{other}/dock")
    body = {"name": "Doors", "cameras": [f"{tenant.site}/gate"]}
    hidden = tenant.http.post("/api/v1/camera-groups", json=body).headers["Location"]
    both = {"name": "Both", "cameras": [*body["cameras"], f"{other}/dock"]}
    mixed = tenant.http.post("/api/v1/camera-groups", json=both).headers["Location"]
    with tenant.as_(tenant.member(Role.ADMIN, sites=[other])) as http:
        own = {"name": "Own", "cameras": [f"{other}/dock"]}
        for address, status in ((hidden, 404), (mixed, 403)):
            refused = http.put(address, json=own, headers={"If-Match": "*"})
            assert refused.status_code == status
            assert http.delete(address, headers={"If-Match": "*"}).status_code == status
        assert http.get(hidden).status_code == 404
        assert http.get(mixed).json()["cameras"] == own["cameras"]
        made = http.post("/api/v1/camera-groups", json=own)
        assert made.status_code == 201
        nothing = {"name": "Empty", "cameras": []}
        assert http.post("/api/v1/camera-groups", json=nothing).status_code == 422
        emptied = http.put(made.headers["Location"], json=nothing, headers={"If-Match": "*"})
        assert emptied.status_code == 422
        mine = http.post("/api/v1/camera-groups", json={**body, "name": "Mine"})
        assert mine.status_code == 422
        assert (
            http.patch(
                f"/api/v1/sites/{tenant.site}", json={"name": "x"}, headers={"If-Match": "*"}
            ).status_code
            == 404
        )


def test_whoever_is_limited_to_a_group_sees_it_without_cameras_too(tenant: Tenant) -> None:
    empty = tenant.http.post("/api/v1/camera-groups", json={"name": "Later", "cameras": []}).json()
    tenant.http.post("/api/v1/camera-groups", json={"name": "Others", "cameras": []})
    limited = tenant.member(Role.VIEWER, sites=[], groups=[empty["group_id"]])
    with tenant.as_(limited) as http:
        [shown] = http.get("/api/v1/camera-groups").json()["items"]
        assert (shown["name"], shown["members"]) == ("Later", 0)
