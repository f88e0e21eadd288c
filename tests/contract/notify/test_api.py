"""The API's resources of notifications."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from consumers.access.permissions import Role
from infra.runtime.settings import Settings
from tests.access_helpers import Account, account, api_settings, give_site, serving
from tests.contract.notify.house import House
from tests.contract.notify.receivers import Hook

SECRET = "a secret of sixteen characters"
P256DH = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"


@pytest.fixture(scope="package")
def url(settings: Settings) -> Iterator[str]:
    with serving(api_settings(settings.postgres_dsn)) as running:
        yield running


@dataclass
class Caller:
    """Somebody who asks; every answer is one that the route documents."""

    url: str
    who: Account

    def __call__(
        self, method: str, path: str, body: Any = None, *, etag: str = "", expect: int = 0
    ) -> Any:
        headers = {**self.who.session, **({"If-Match": etag} if etag else {})}
        answer = httpx.request(
            method, f"{self.url}/api/v1/notifications{path}", json=body, headers=headers
        )
        wanted = expect or {"POST": 201, "DELETE": 204}.get(method, 200)
        assert answer.status_code == wanted, answer.text
        self.etag = answer.headers.get("ETag", "")
        return answer.json() if answer.content else None


@pytest.fixture
def admin(url: str, house: House, settings: Settings) -> Caller:
    slug = house.one(
        "SELECT slug FROM organisations WHERE organisation_id = %s", house.organisation
    )["slug"]
    return Caller(url, account(settings.postgres_dsn, slug=slug, role=Role.ADMIN))


@pytest.fixture
def viewer(url: str, admin: Caller, settings: Settings) -> Caller:
    return Caller(url, account(settings.postgres_dsn, slug=admin.who.slug, role=Role.VIEWER))


def webhook(name: str = "pager", **more: Any) -> dict[str, Any]:
    settings = {"kind": "webhook", "url": "https://hooks.example/x", "secret": SECRET}
    return {"name": name, "settings": {**settings, **more}}


def test_a_target_shows_no_secret_and_keeps_what_is_left_out(admin: Caller, house: House) -> None:
    made = admin("POST", "/targets", webhook())
    assert made["secrets"] == ["secret"] and SECRET not in str(made)
    path = f"/targets/{made['target_id']}"
    first = admin.etag
    body = webhook(url="https://hooks.example/y")
    del body["settings"]["secret"]
    admin("PUT", path, body, expect=428)
    changed = admin("PUT", path, body, etag=first)
    assert changed["settings"]["url"].endswith("/y") and changed["secrets"] == ["secret"]
    admin("PUT", path, body, etag=first, expect=412)
    rotated = admin("PUT", path, webhook(secret="another secret, long enough"), etag=admin.etag)
    assert rotated["secrets"] == ["previous_secret", "secret"]
    assert rotated["settings"]["rotates_until"] is not None
    stored = house.one(
        "SELECT config::text || secrets AS all FROM notify_targets WHERE target_id = %s",
        made["target_id"],
    )["all"]
    assert SECRET not in stored and "another secret" not in stored
    trail = house.one(
        "SELECT string_agg(details::text, ' ') AS all FROM audit_inbox WHERE organisation_id = %s",
        house.organisation,
    )["all"]
    assert SECRET not in (trail or "")


@pytest.mark.parametrize(
    "body",
    [
        webhook(secret="short"),
        webhook(url="ftp://hooks.example"),
        webhook(url="https://user:password@hooks.example"),
        webhook(url="http://127.0.0.1:8080/hook"),
        webhook(url="http://[::ffff:10.0.0.1]/hook"),
        webhook(url="http://localhost/hook"),
        webhook(url="https://hooks.example:99999/"),
        webhook(colour="red"),
        webhook(name="a\0b"),
        {"name": "x", "settings": {"kind": "pigeon"}},
        {
            "name": "x",
            "settings": {"kind": "sia", "host": "10.0.0.1", "port": 1, "account": "1234"},
        },
        {
            "name": "x",
            "rate_limit": {"most": 1, "within_s": 1},
            "settings": {"kind": "mqtt", "host": "broker.example"},
        },
        {"name": "x", "settings": {"kind": "mail", "to": ["nobody"]}},
        {"name": "x", "settings": {"kind": "web_push"}},
    ],
)
def test_a_target_that_cannot_be_is_refused(admin: Caller, body: dict[str, Any]) -> None:
    answer = admin("POST", "/targets", body, expect=422)
    assert answer["detail"]


def test_a_route_names_what_there_is(admin: Caller, house: House) -> None:
    target = admin("POST", "/targets", webhook())["target_id"]
    route: dict[str, Any] = {"name": "night", "targets": [target], "when": {"sites": [house.site]}}
    made = admin("POST", "/routes", route)
    assert made["when"]["states"] == ["opened"]
    admin("POST", "/routes", route, expect=409)
    strange = "00000000-0000-0000-0000-000000000001"
    refused: list[dict[str, Any]] = [
        {"targets": [strange]},
        {"users": [strange]},
        {"escalation": strange},
        {"targets": []},
        {"when": {"sites": ["not-ours"]}},
        {"when": {"camera_groups": [strange]}},
        {"when": {"schedule": ["Noday 10:00-11:00"]}},
        {"when": {"timezone": "Europe/Atlantis"}},
    ]
    for wrong in refused:
        admin("POST", "/routes", {**route, "name": "other", **wrong}, expect=422)
    admin("DELETE", f"/targets/{target}", expect=409)
    steps = [{"after_s": 60, "targets": [target]}]
    escalation = admin("POST", "/escalations", {"name": "boss", "steps": steps})["escalation_id"]
    admin("GET", f"/routes/{made['route_id']}")
    admin(
        "PUT",
        f"/routes/{made['route_id']}",
        {**route, "escalation": escalation},
        etag=admin.etag,
    )
    admin("DELETE", f"/escalations/{escalation}", expect=409)
    admin("DELETE", f"/routes/{made['route_id']}")
    admin("DELETE", f"/escalations/{escalation}")
    admin("DELETE", f"/targets/{target}")
    assert admin("GET", "/routes")["items"] == [] and admin("GET", "/targets")["items"] == []


def test_one_mutes_for_all_or_for_oneself(admin: Caller, viewer: Caller, house: House) -> None:
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    admin("POST", "/mutes", {"site": house.site, "until": until})
    own = viewer("POST", "/own/mutes", {"until": until})
    assert viewer("GET", "/own/mutes")["items"] == [own]
    assert admin("GET", "/own/mutes")["items"] == []
    (shared,) = admin("GET", "/mutes")["items"]
    viewer("DELETE", f"/own/mutes/{shared['mute_id']}", expect=404)
    viewer("DELETE", f"/own/mutes/{own['mute_id']}")
    admin("DELETE", f"/mutes/{shared['mute_id']}")
    refused: list[dict[str, Any]] = [
        {"until": "2020-01-01T00:00:00Z"},
        {"camera": "gate", "until": until},
        {},
    ]
    for wrong in refused:
        admin("POST", "/mutes", wrong, expect=422)


def test_a_browser_subscribes_once_and_leaves(admin: Caller, viewer: Caller) -> None:
    assert len(viewer("GET", "/push-key")["public_key"]) == 87
    assert viewer("GET", "/push-key") == admin("GET", "/push-key")
    body = {
        "endpoint": "https://push.example/send/abc",
        "expirationTime": None,
        "keys": {"p256dh": P256DH, "auth": AUTH},
    }
    made = viewer("POST", "/own/subscriptions", body)
    assert viewer("POST", "/own/subscriptions", body) == made
    assert made["service"] == "push.example" and "abc" not in str(made)
    assert viewer("GET", "/own/subscriptions")["items"] == [made]
    assert admin("GET", "/own/subscriptions")["items"] == []
    assert admin("GET", "/targets")["items"] == []
    admin("DELETE", f"/own/subscriptions/{made['subscription_id']}", expect=404)
    viewer("DELETE", f"/own/subscriptions/{made['subscription_id']}")
    for wrong in (
        {"keys": {"p256dh": "AAAA", "auth": AUTH}},
        {"keys": {"p256dh": P256DH, "auth": "é"}},
        {"endpoint": "https://10.1.2.3/send"},
        {"endpoint": "nowhere"},
    ):
        refused = viewer("POST", "/own/subscriptions", {**body, **wrong}, expect=422)
        assert "push.example/send" not in str(refused)


def test_who_may_not_is_refused_and_organisations_do_not_meet(
    admin: Caller, viewer: Caller, url: str, settings: Settings
) -> None:
    target = admin("POST", "/targets", webhook())["target_id"]
    viewer("GET", "/targets", expect=403)
    viewer("POST", "/targets", webhook(), expect=403)
    stranger = Caller(url, account(settings.postgres_dsn))
    assert stranger("GET", "/targets")["items"] == []
    stranger("GET", f"/targets/{target}", expect=404)
    stranger("DELETE", f"/targets/{target}", expect=404)
    stranger("POST", f"/targets/{target}/test", expect=404)
    stranger("POST", "/routes", {"name": "x", "targets": [target]}, expect=422)
    limited = Caller(
        url,
        account(settings.postgres_dsn, slug=admin.who.slug, role=Role.ADMIN, sites=["elsewhere"]),
    )
    limited("POST", "/targets", webhook(), expect=403)


def test_deliveries_are_listed_by_page_and_dead_ones_are_tried_again(
    admin: Caller, house: House, hook: Hook, settings: Settings
) -> None:
    target = house.webhook(hook.url)
    for number in range(5):
        house.sql.execute(
            "INSERT INTO notify_deliveries (delivery_id, organisation_id, target_id, kind, "
            "event_id, event_state, site, camera, status, due_at, give_up_at) VALUES "
            "(gen_random_uuid(), %s, %s, 'event', %s, 'opened', %s, 'gate', 'dead', now(), now())",
            [house.organisation, target, f"event-{number}", house.site],
        )
    first = admin("GET", "/deliveries?limit=3")
    assert [one["event_id"] for one in first["items"]] == ["event-4", "event-3", "event-2"]
    rest = httpx.get(f"{admin.url}{first['next']}", headers=admin.who.session).json()
    assert [one["event_id"] for one in rest["items"]] == ["event-1", "event-0"]
    assert rest["next"] is None
    assert len(admin("GET", "/dead-letters")["items"]) == 5
    (only,) = admin("GET", "/deliveries?event_id=event-3&status=dead")["items"]
    path = f"/deliveries/{only['delivery_id']}"
    assert admin("POST", f"{path}/replay", expect=200)["status"] == "pending"
    admin("POST", f"{path}/replay", expect=409)
    assert admin("GET", path)["status"] == "pending"
    assert admin("POST", "/dead-letters/drop", {"target_id": str(target)}, expect=200) == {
        "deliveries": 4
    }
    assert admin("POST", "/dead-letters/replay", {}, expect=200) == {"deliveries": 0}
    give_site(settings.postgres_dsn, "elsewhere", house.organisation)
    limited = Caller(
        admin.url,
        account(
            settings.postgres_dsn, slug=admin.who.slug, role=Role.OPERATOR, sites=["elsewhere"]
        ),
    )
    assert limited("GET", "/deliveries")["items"] == []
    limited("GET", path, expect=404)
