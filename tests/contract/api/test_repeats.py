from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.contract.api.tenants import Tenant


def comments(tenant: Tenant, event_id: str) -> list[str]:
    shown = tenant.http.get(f"/api/v1/events/{event_id}").json()
    return [entry["details"]["text"] for entry in shown["history"]]


def post(tenant: Tenant, event_id: str, text: str, key: str | None) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    address = f"/api/v1/events/{event_id}/comments"
    return tenant.http.post(address, json={"text": text}, headers=headers)


def test_a_repeat_is_answered_and_not_done_again(tenant: Tenant) -> None:
    event_id = tenant.event()
    first, again = (post(tenant, event_id, "seen", "k-1") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    post(tenant, event_id, "seen", None)
    assert comments(tenant, event_id) == ["seen", "seen"]


def test_another_request_needs_another_key(tenant: Tenant) -> None:
    event_id = tenant.event()
    post(tenant, event_id, "seen", "k-1")
    assert post(tenant, event_id, "heard", "k-1").status_code == 422
    assert post(tenant, tenant.event(), "seen", "k-1").status_code == 422


def test_keys_are_each_ones_own(tenant: Tenant) -> None:
    event_id = tenant.event()
    post(tenant, event_id, "seen", "k-1")
    with Tenant(tenant.dsn, tenant.url) as stranger:
        assert post(stranger, stranger.event(), "heard", "k-1").status_code == 201


def test_a_refusal_is_not_kept(tenant: Tenant) -> None:
    assert post(tenant, "later", "seen", "k-1").status_code == 404
    tenant.event(event_id="later")
    assert post(tenant, "later", "seen", "k-1").status_code == 201
    tenant.database.execute("DELETE FROM events WHERE event_id = 'later'")
    tenant.database.execute("DELETE FROM event_places WHERE event_id = 'later'")


def test_of_two_at_once_one_works_and_the_other_waits(tenant: Tenant) -> None:
    event_id = tenant.event()
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: post(tenant, event_id, "seen", "k-1"), range(6)))
    assert {answer.status_code for answer in answers} == {201}
    assert comments(tenant, event_id) == ["seen"]


def test_an_answer_is_forgotten_after_a_day(tenant: Tenant) -> None:
    event_id = tenant.event()
    post(tenant, event_id, "seen", "k-1")
    tenant.database.execute(
        "UPDATE idempotent_answers SET created_at = created_at - interval '25 hours' "
        "WHERE organisation_id = %s",
        [tenant.owner.organisation_id],
    )
    assert "Idempotency-Replayed" not in post(tenant, event_id, "heard", "k-1").headers
    assert comments(tenant, event_id) == ["seen", "heard"]
