from __future__ import annotations

from tests.contract.api.tenants import MINUTE_MS, Tenant
from tests.contract.api.test_events import all_pages
from tests.contract.consumers.store_rows import OPENED_AT


def test_candidates_of_every_verdict_are_listed_with_their_reasons(tenant: Tenant) -> None:
    made = {
        name: tenant.candidate(verdict=name)
        for name in ("accepted", "suppressed", "cooling", "shadow")
    }
    for name, candidate in made.items():
        [item] = tenant.http.get("/api/v1/candidates", params={"verdict": name}).json()["items"]
        assert item["candidate_id"] == candidate
        assert item["reasons"] == [{"check": "moved", "for": True, "value": 0.4}]
    assert len(all_pages(tenant.http, "/api/v1/candidates?limit=3", "candidate_id")) == 4


def test_pages_of_candidates_go_back_through_days(tenant: Tenant) -> None:
    times = [OPENED_AT - days * 24 * 60 * MINUTE_MS for days in (0, 1, 5, 40, 400)]
    made = [tenant.candidate(matched_at=at) for at in times]
    assert all_pages(tenant.http, "/api/v1/candidates?limit=2", "candidate_id") == made


def test_one_candidate_with_its_evidence(tenant: Tenant) -> None:
    candidate = tenant.candidate(verdict="suppressed")
    snapshot = tenant.evidence(candidate_id=candidate)
    shown = tenant.http.get(f"/api/v1/candidates/{candidate}").json()
    assert [piece["evidence_id"] for piece in shown["evidence"]] == [snapshot]
    assert shown["words"] == []
    with Tenant(tenant.dsn, tenant.url) as stranger:
        assert stranger.http.get(f"/api/v1/candidates/{candidate}").status_code == 404
        assert stranger.http.post(f"/api/v1/candidates/{candidate}/restore").status_code == 404
