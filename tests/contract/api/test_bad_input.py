"""What cannot be stored or does not exist is refused by its description, never by a fault of ours."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.contract.api.tenants import Tenant

BAD_TEXTS = ("a%00b", "%00", "x" * 5000)
BAD_TIMES = (
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00%2B14:00",
    "9999-12-31T23:59:59-12:00",
    "infinity",
    "1e400",
    "99999999999999999999999",
    "NaN",
    "2026-01-01T00:00:00",
)
LISTS = {
    "/api/v1/events": ("text", "rule", "class_name", "site", "camera", "cursor"),
    "/api/v1/candidates": ("rule", "class_name", "site", "camera", "cursor"),
    "/api/v1/evidence": ("event_id", "candidate_id", "site", "camera", "cursor"),
    "/api/v1/cameras": ("site", "state", "cursor"),
    "/api/v1/health": ("site", "state", "cursor"),
    "/api/v1/sites": ("cursor",),
}


@pytest.mark.parametrize("address", LISTS)
def test_lists_refuse_texts_and_times_that_are_none(tenant: Tenant, address: str) -> None:
    queries = [f"{name}={text}" for name, text in itertools.product(LISTS[address], BAD_TEXTS)]
    if address in ("/api/v1/events", "/api/v1/candidates", "/api/v1/evidence"):
        queries += [f"{name}={at}" for name in ("since", "until") for at in BAD_TIMES]
    queries += ["limit=0", "limit=501", "limit=99999999999999999999999", "limit=a", "unknown=1"]
    for query in queries:
        answer = tenant.http.get(f"{address}?{query}")
        assert answer.status_code == 422, (query, answer.text)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["type"].startswith("urn:sightline:problem:")


@pytest.mark.parametrize(
    "path", ["events/{}", "events/{}/handling", "evidence/{}", "candidates/{}", "sites/{}"]
)
def test_ids_that_can_be_none_are_refused_or_not_there(tenant: Tenant, path: str) -> None:
    for text in ("%00", "a%00b", "%ED%A0%80", "x" * 5000, "%F0%9F%98%80"):
        answer = tenant.http.get(f"/api/v1/{path.format(text)}")
        assert answer.status_code in (404, 422), (path, text, answer.text)


def test_bodies_that_cannot_be_are_refused(tenant: Tenant) -> None:
    event_id = tenant.event()
    address = f"/api/v1/events/{event_id}/comments"
    bodies: list[bytes] = [
        b'{"text": "a\\u0000b"}',
        b'{"text": "\\ud800"}',
        b'{"\\ud800": 1, "text": "a"}',
        b'{"text": "\xff"}',
        b"{",
        b"[" * 100_000,
        b'{"text": 1e999}',
        b'{"text": ""}',
        b"null",
        b'"text"',
    ]
    for body in bodies:
        answer = tenant.http.post(
            address, content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 422, (body[:40], answer.text)
    large = tenant.http.post(address, json={"text": "x" * (2 << 20)})
    assert large.status_code == 413
    assert large.headers["Content-Type"] == "application/problem+json"


def test_headers_that_cannot_be_are_refused(tenant: Tenant) -> None:
    event_id = tenant.event()
    address = f"/api/v1/events/{event_id}/comments"
    for key in (b"", b"a b", b"\xff\xfe", b"k" * 201):
        answer = tenant.http.post(address, json={"text": "a"}, headers=[(b"Idempotency-Key", key)])
        assert answer.status_code == 422, key
    changed = tenant.http.patch(
        f"/api/v1/events/{event_id}/handling",
        json={"state": "resolved"},
        headers=[(b"If-Match", b'"\xff"')],
    )
    assert changed.status_code == 412


def test_numbers_beyond_what_is_stored_are_refused(tenant: Tenant) -> None:
    wanted: dict[str, Any] = {"filter": {}, "limit": 2**70}
    assert tenant.http.post("/api/v1/events/acknowledge", json=wanted).status_code == 422
