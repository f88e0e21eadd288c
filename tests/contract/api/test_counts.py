from __future__ import annotations

from typing import Any

import httpx

from consumers.access.permissions import Role
from tests.contract.api.tenants import Tenant

DAY = "2023-11-14"


def asked(tenant: Tenant, what: str = "counts", **query: Any) -> httpx.Response:
    params = {"site": tenant.site, "since": f"{DAY}T00:00:00Z", **query}
    return tenant.http.get(f"/api/v1/{what}", params=params)


def test_minutes_are_listed_as_they_were_counted(tenant: Tenant) -> None:
    for minute in (0, 1, 3):
        tenant.count(minute, forward=minute + 1)
    tenant.count(1, camera="yard", sensor="fence", forward=9)
    answer = asked(tenant, bucket="minute", limit=3)
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"] + tenant.http.get(answer.json()["next"]).json()["items"]
    assert [(item["sensor"], item["forward"]) for item in items] == [
        ("gate-line", 1),
        ("gate-line", 2),
        ("fence", 9),
        ("gate-line", 4),
    ]
    [one] = asked(tenant, bucket="minute", sensor="fence").json()["items"]
    assert (one["bucket_at"], one["ends_at"]) == (f"{DAY}T22:14:00Z", f"{DAY}T22:15:00Z")


def test_hours_and_days_come_from_rollups(tenant: Tenant) -> None:
    tenant.database.execute(
        "INSERT INTO rollup_counts (grain, site, bucket_at, ends_at, camera, sensor, forward, "
        "backward, entries, exits, minutes, occupancy_max, occupancy_sum, dwell_total_s, "
        "dwell_max_s, dwell) SELECT grain, %s, %s, %s, 'gate', 'gate-line', number, 0, 0, 0, 1, 0, "
        "0, 0, 0, '{}' FROM (VALUES ('hour', 7), ('local_day', 70)) AS made (grain, number)",
        [tenant.site, f"{DAY}T01:00:00Z", f"{DAY}T02:00:00Z"],
    )
    for bucket, number in (("hour", 7), ("day", 70)):
        [item] = asked(tenant, bucket=bucket).json()["items"]
        assert item["forward"] == number


def test_each_kind_of_figures_is_there(tenant: Tenant) -> None:
    for what in ("figures/events", "figures/candidates", "figures/uptime"):
        answer = asked(tenant, what)
        assert (answer.status_code, answer.json()["items"]) == (200, [])
    assert asked(tenant, "figures/uptime", bucket="minute").status_code == 422


def test_a_heat_map_is_of_a_day_where_the_site_is(tenant: Tenant) -> None:
    tenant.health("gate")
    tenant.http.patch(
        f"/api/v1/sites/{tenant.site}",
        json={"timezone": "Europe/Madrid"},
        headers={"If-Match": "*"},
    )
    cells = [0] * 575 + [1500]
    tenant.database.execute(
        "INSERT INTO rollup_heat (grain, site, bucket_at, ends_at, camera, tracks, cells) "
        "VALUES ('local_day', %s, %s, %s, 'gate', 3, %s)",
        [tenant.site, "2023-11-13T23:00:00Z", "2023-11-14T23:00:00Z", cells],
    )
    address = f"/api/v1/cameras/{tenant.site}/gate/heat-map"
    shown = tenant.http.get(address, params={"day": DAY}).json()
    assert (shown["tracks"], shown["cells_ms"]) == (3, cells)
    # The day on which clocks go back has 25 hours.
    empty = tenant.http.get(address, params={"day": "2023-10-29"}).json()
    assert (empty["from_at"], empty["to_at"]) == ("2023-10-28T22:00:00Z", "2023-10-29T23:00:00Z")
    assert set(empty["cells_ms"]) == {0}
    for day in ("0000-01-01", "9999-12-31", "infinity"):
        assert tenant.http.get(address, params={"day": day}).status_code == 422


def test_counts_of_another_site_are_not_there(tenant: Tenant) -> None:
    tenant.count(0)
    with (
        tenant.as_(tenant.member(Role.VIEWER, sites=[tenant.another_site()])) as limited,
        Tenant(tenant.dsn, tenant.url) as stranger,
    ):
        for http in (limited, stranger.http):
            params = {"site": tenant.site, "since": f"{DAY}T00:00:00Z", "bucket": "minute"}
            assert http.get("/api/v1/counts", params=params).status_code == 404
