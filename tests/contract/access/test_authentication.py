"""Who a request is taken for: sessions, keys, and what ends them."""

from __future__ import annotations

import uuid
from datetime import timedelta

import httpx
import psycopg
import pytest

from consumers.access.permissions import Permission, Role
from tests.access_helpers import PASSWORD, Account, account, give_site
from tests.contract.access.world import World, carry_csrf


def sql(dsn: str, query: str, *values: object) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(query, values)


def status(world: World, headers: dict[str, str], path: str = "/api/v1/session") -> int:
    return httpx.get(world.url + path, headers=headers).status_code


def test_password_opens_a_session_that_logging_out_ends(world: World) -> None:
    owner = account(world.dsn)
    with world.browser() as browser:
        wrong = browser.post("/api/v1/session", json={"mail": owner.mail, "password": "not it"})
        assert wrong.status_code == 401
        opened = browser.post("/api/v1/session", json={"mail": owner.mail, "password": PASSWORD})
        assert opened.status_code == 200, opened.text
        cookie = next(one for one in opened.headers.get_list("set-cookie") if "_session=" in one)
        assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/" in cookie
        assert browser.get("/api/v1/session").json()["name"] == owner.mail
        assert browser.delete("/api/v1/session").status_code == 403
        carry_csrf(browser, opened)
        assert browser.delete("/api/v1/session").status_code == 204
        assert browser.get("/api/v1/session").status_code == 401


def test_a_token_is_stored_as_a_hash_alone(world: World) -> None:
    owner = account(world.dsn)
    key = owner.key["Authorization"].removeprefix("Bearer ")
    with psycopg.connect(world.dsn) as connection:
        for table in ("sessions", "api_keys", "users", "devices", "audit"):
            text = connection.execute(f"SELECT string_agg(t::text, ' ') FROM {table} t").fetchone()
            assert text is not None
            stored = text[0] or ""
            assert owner.token not in stored and key not in stored and PASSWORD not in stored


def test_a_csrf_token_of_another_session_changes_nothing(world: World) -> None:
    one, other = account(world.dsn), account(world.dsn)
    mixed = {"Cookie": one.session["Cookie"], "Sightline-CSRF": other.session["Sightline-CSRF"]}
    assert httpx.delete(f"{world.url}/api/v1/session", headers=mixed).status_code == 403
    assert status(world, one.session) == 200


def test_another_sites_page_logs_nobody_in(world: World) -> None:
    owner = account(world.dsn)
    answer = httpx.post(
        f"{world.url}/api/v1/session",
        json={"mail": owner.mail, "password": PASSWORD},
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sessions SET expires_at = now() WHERE session_id = %s",
        "UPDATE sessions SET seen_at = now() - interval '13 hours' WHERE session_id = %s",
        "UPDATE sessions SET pending = true WHERE session_id = %s",
        "DELETE FROM sessions WHERE session_id = %s",
        (
            "UPDATE users SET disabled_at = now() FROM sessions s "
            "WHERE s.user_id = users.user_id AND s.session_id = %s"
        ),
        (
            "DELETE FROM memberships m USING sessions s "
            "WHERE s.user_id = m.user_id AND s.session_id = %s"
        ),
    ],
)
def test_what_ends_a_session(world: World, change: str) -> None:
    owner = account(world.dsn)
    assert status(world, owner.session) == 200
    sql(world.dsn, change, owner.session_id)
    assert status(world, owner.session) == 401


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE api_keys SET expires_at = now() WHERE key_id = %s",
        "UPDATE api_keys SET revoked_at = now() WHERE key_id = %s",
        (
            "UPDATE users SET disabled_at = now() FROM api_keys k "
            "WHERE k.made_by = users.user_id AND k.key_id = %s"
        ),
        "DELETE FROM memberships m USING api_keys k WHERE k.made_by = m.user_id AND k.key_id = %s",
    ],
)
def test_what_ends_a_key(world: World, change: str) -> None:
    owner = account(world.dsn)
    assert status(world, owner.key) == 200
    sql(world.dsn, change, owner.key_id)
    assert status(world, owner.key) == 401


def test_use_keeps_a_session_alive_and_is_noted(world: World) -> None:
    owner = account(world.dsn)
    sql(
        world.dsn,
        "UPDATE sessions SET seen_at = now() - interval '11 hours' WHERE session_id = %s",
        owner.session_id,
    )
    assert status(world, owner.session) == 200
    with psycopg.connect(world.dsn) as connection:
        row = connection.execute(
            "SELECT now() - seen_at FROM sessions WHERE session_id = %s", [owner.session_id]
        ).fetchone()
    assert row is not None and row[0] < timedelta(minutes=5)


def test_a_key_shrinks_with_its_maker(world: World) -> None:
    owner = account(world.dsn)
    second = account(world.dsn, slug=owner.slug, role=Role.ADMIN)
    assert Permission.AUDIT_READ in permissions(world, second)
    sql(
        world.dsn,
        "UPDATE memberships SET role = 'viewer' WHERE user_id = %s",
        second.user_id,
    )
    assert Permission.AUDIT_READ not in permissions(world, second)
    assert status(world, second.key, "/api/v1/audit") == 403


def test_limits_are_resolved_at_each_request(world: World) -> None:
    owner = account(world.dsn)
    depot, yard = (f"{name}-{uuid.uuid4().hex[:8]}" for name in ("depot", "yard"))
    give_site(world.dsn, depot, owner.organisation_id)
    give_site(world.dsn, yard, owner.organisation_id)
    with psycopg.connect(world.dsn) as connection:
        connection.execute(
            "INSERT INTO cameras (site, camera, organisation_id) VALUES (%s, 'gate', %s)",
            [yard, owner.organisation_id],
        )
        group = connection.execute(
            "INSERT INTO camera_groups (organisation_id, name) VALUES (%s, 'gates') "
            "RETURNING group_id",
            [owner.organisation_id],
        ).fetchone()
        assert group is not None
    limited = account(
        world.dsn, slug=owner.slug, role=Role.VIEWER, sites=[depot], groups=[group[0]]
    )
    assert scope(world, limited) == {"everything": False, "sites": [depot], "cameras": []}
    sql(
        world.dsn,
        "INSERT INTO camera_group_members (group_id, site, camera, organisation_id) "
        "VALUES (%s, %s, 'gate', %s)",
        *(group[0], yard, owner.organisation_id),
    )
    assert scope(world, limited)["cameras"] == [[yard, "gate"]]
    stranger = account(world.dsn)
    give_site(world.dsn, depot, stranger.organisation_id)
    give_site(world.dsn, yard, stranger.organisation_id)
    assert scope(world, limited) == {"everything": False, "sites": [], "cameras": []}


def test_a_session_holds_one_organisation_and_switches(world: World) -> None:
    here, there = account(world.dsn), account(world.dsn)
    browser = world.logged_in(here).client
    path = "/api/v1/session/organisation"
    wish = {"organisation_id": str(there.organisation_id)}
    assert browser.put(path, json=wish).status_code == 404
    sql(
        world.dsn,
        "INSERT INTO memberships (user_id, organisation_id, role) VALUES (%s, %s, 'viewer')",
        *(here.user_id, there.organisation_id),
    )
    assert browser.put(path, json=wish).status_code == 204
    now = browser.get("/api/v1/session").json()
    assert now["organisation_id"] == str(there.organisation_id)
    assert now["stepped_up_until"] is None
    assert {one["slug"] for one in now["organisations"]} == {here.slug, there.slug}
    assert browser.get("/api/v1/audit").status_code == 403


def test_sessions_are_listed_and_ended(world: World) -> None:
    owner, stranger = account(world.dsn), account(world.dsn)
    first, second, third = (world.log_in(owner.mail) for _ in range(3))
    listed = first.get("/api/v1/sessions").json()
    assert len(listed) == 4 and [one["this"] for one in listed].count(True) == 1
    own = second.get("/api/v1/session").json()["session_id"]
    strange = f"/api/v1/sessions/{stranger.session_id}"
    assert first.delete(strange).status_code == 404
    assert first.delete(f"/api/v1/sessions/{own}").status_code == 204
    assert second.get("/api/v1/session").status_code == 401
    assert first.delete("/api/v1/sessions").status_code == 204
    assert third.get("/api/v1/session").status_code == 401
    assert first.get("/api/v1/session").status_code == 200
    assert status(world, stranger.session) == 200


def test_a_key_has_no_session_to_manage(world: World) -> None:
    owner = account(world.dsn)
    answer = httpx.get(f"{world.url}/api/v1/sessions", headers=owner.key)
    assert answer.status_code == 403


def permissions(world: World, who: Account) -> list[str]:
    answer = httpx.get(f"{world.url}/api/v1/session", headers=who.key)
    found: list[str] = answer.json()["permissions"]
    return found


def scope(world: World, who: Account) -> dict[str, object]:
    answers = [httpx.get(f"{world.url}/api/v1/session", headers=h) for h in (who.key, who.session)]
    found: list[dict[str, object]] = [answer.json()["scope"] for answer in answers]
    assert found[0] == found[1]
    return found[0]
