from __future__ import annotations

import hashlib
from typing import Any

import httpx
import pytest

from consumers.access.permissions import Role
from consumers.sinks.objects import ObjectStore, object_key
from infra.runtime.settings import Settings
from schemas.records import Evidence
from tests.contract.api.tenants import Tenant
from tests.contract.consumers.store_rows import OPENED_AT

PICTURE = b"\xff\xd8 not much of a picture, but real bytes \xff\xd9"


@pytest.fixture
def stored(settings: Settings, tenant: Tenant) -> str:
    """Return the id of a piece of evidence whose object lies in the store."""
    record = Evidence(
        evidence_id="e",
        site=tenant.site,
        camera="gate",
        event_id="of-this-event",
        kind="snapshot",
        status="ok",
        content_type="image/jpeg",
        sha256=hashlib.sha256(PICTURE).hexdigest(),
        size=len(PICTURE),
        chunk=0,
        chunks=1,
        from_at=OPENED_AT,
        to_at=OPENED_AT,
        revision=1,
        data=PICTURE,
    )
    objects = ObjectStore.from_settings(settings)
    objects.put(object_key(record), record)
    return tenant.evidence(
        objects.bucket,
        object_key(record),
        event_id="of-this-event",
        sha256=record.sha256,
        size=record.size,
    )


def content(tenant: Tenant, evidence_id: str, span: str | None = None) -> httpx.Response:
    headers = {} if span is None else {"Range": span}
    return tenant.http.get(f"/api/v1/evidence/{evidence_id}/content", headers=headers)


def test_a_link_gives_the_object_to_anybody_and_the_trail_tells_of_it(
    tenant: Tenant, stored: str
) -> None:
    link = tenant.http.get(f"/api/v1/evidence/{stored}/link").json()
    answer = httpx.get(link["url"])
    assert (answer.status_code, answer.content) == (200, PICTURE)
    assert answer.headers["Content-Type"] == "image/jpeg"
    trail = tenant.http.get("/api/v1/audit").json()["items"]
    assert ("evidence.link", stored) in {(one["action"], one["subject"]) for one in trail}


def test_a_link_is_for_this_object_only(tenant: Tenant, stored: str) -> None:
    link = tenant.http.get(f"/api/v1/evidence/{stored}/link").json()
    assert httpx.get(link["url"].replace("of-this-event", "of-another")).status_code == 403


def test_the_content_comes_whole_and_in_ranges(tenant: Tenant, stored: str) -> None:
    whole = content(tenant, stored)
    assert (whole.status_code, whole.content) == (200, PICTURE)
    assert whole.headers["Content-Length"] == str(len(PICTURE))
    for span, expected in {
        "bytes=2-5": PICTURE[2:6],
        "bytes=10-": PICTURE[10:],
        "bytes=-4": PICTURE[-4:],
        f"bytes=3-{len(PICTURE) * 2}": PICTURE[3:],
    }.items():
        part = content(tenant, stored, span)
        assert (part.status_code, part.content) == (206, expected), span
        first = PICTURE.index(expected)
        last = first + len(expected) - 1
        assert part.headers["Content-Range"] == f"bytes {first}-{last}/{len(PICTURE)}"
    behind = content(tenant, stored, f"bytes={len(PICTURE)}-")
    assert behind.status_code == 416
    assert content(tenant, stored, "lines=1-2").content == PICTURE


def test_what_has_no_object_says_why(tenant: Tenant) -> None:
    expired = tenant.evidence(status="expired", reason="the frames were gone")
    lost = tenant.evidence("evidence", "nowhere/of-all.jpg", size=3)
    for evidence_id, why in ((expired, "the frames were gone"), (lost, "no longer in the store")):
        answer = content(tenant, evidence_id)
        assert answer.status_code == 404
        assert why in answer.json()["detail"]


def test_evidence_is_seen_by_whoever_may_see_its_camera(tenant: Tenant, stored: str) -> None:
    other = tenant.member(Role.VIEWER, sites=[tenant.another_site()])
    with tenant.as_(other) as http, Tenant(tenant.dsn, tenant.url) as stranger:
        for asking in (http, stranger.http):
            for what in ("", "/link", "/content"):
                assert asking.get(f"/api/v1/evidence/{stored}{what}").status_code == 404
            assert asking.get("/api/v1/evidence").json()["items"] == []


def test_evidence_is_listed_by_what_it_shows(tenant: Tenant, stored: str) -> None:
    of_candidate = tenant.evidence(candidate_id="c-1")
    clip = tenant.evidence(event_id="of-this-event", kind="clip", content_type="video/mp4")

    def listed(**query: Any) -> set[str]:
        answer = tenant.http.get("/api/v1/evidence", params=query)
        assert answer.status_code == 200, answer.text
        return {item["evidence_id"] for item in answer.json()["items"]}

    assert listed() == {stored, of_candidate, clip}
    assert listed(event_id="of-this-event") == {stored, clip}
    assert listed(candidate_id="c-1") == {of_candidate}
    assert listed(kind="clip") == {clip}
    assert listed(camera=f"{tenant.site}/yard") == set()
    assert listed(until="2000-01-01T00:00:00Z") == set()
