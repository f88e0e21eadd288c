"""Invitations, roles and who may give them."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest

from consumers.access.permissions import Permission, Role
from tests.access_helpers import PASSWORD, Account, account, give_site
from tests.contract.access.world import World, token_in


def address() -> str:
    return f"somebody-{uuid.uuid4().hex[:12]}@example.com"


def invited(world: World, by: Account, mail: str, role: str, **more: Any) -> str:
    """Invite somebody and return the token of the mail."""
    count = len(world.mailbox.mails)
    answer = world.logged_in(by).client.post(
        "/api/v1/invitations", json={"mail": mail, "role": role, **more}
    )
    assert answer.status_code == 201, answer.text
    return token_in(world.mailbox.newest(mail, after=count))


def accept(client: httpx.Client, token: str, **more: str) -> httpx.Response:
    return client.post("/api/v1/invitations/accept", json={"token": token, **more})


def test_an_invited_stranger_becomes_a_member(world: World) -> None:
    owner = account(world.dsn)
    site = f"depot-{uuid.uuid4().hex[:8]}"
    give_site(world.dsn, site, owner.organisation_id)
    mail = address()
    token = invited(world, owner, mail, "operator", limits={"sites": [site]})
    browser = world.browser()
    look = browser.post("/api/v1/invitations/look", json={"token": token}).json()
    assert look == {
        "organisation": owner.slug,
        "mail": mail,
        "role": "operator",
        "has_account": False,
    }
    assert accept(browser, token).status_code == 422
    accepted = accept(browser, token, name="Somebody", password=PASSWORD)
    assert accepted.status_code == 200, accepted.text
    browser.headers["Sightline-CSRF"] = accepted.json()["session"]["csrf_token"]
    now = browser.get("/api/v1/session").json()
    assert now["name"] == mail and now["scope"]["sites"] == [site]
    assert accept(world.browser(), token, password=PASSWORD).status_code == 422
    members = world.logged_in(owner).client.get("/api/v1/users").json()["items"]
    assert {(one["mail"], one["role"]) for one in members} == {
        (owner.mail, "owner"),
        (mail, "operator"),
    }
    assert world.logged_in(owner).client.get("/api/v1/invitations").json() == []


def test_an_invited_user_keeps_their_password(world: World) -> None:
    owner, other = account(world.dsn), account(world.dsn)
    token = invited(world, owner, other.mail, "viewer")
    accepted = accept(world.browser(), token, password="the thief's own passphrase")
    assert accepted.status_code == 200 and accepted.json()["session"] is None
    client = world.log_in(other.mail)
    assert {one["slug"] for one in client.get("/api/v1/session").json()["organisations"]} == {
        owner.slug,
        other.slug,
    }


def test_a_second_invitation_voids_the_first_and_a_withdrawn_one_is_void(world: World) -> None:
    owner = account(world.dsn)
    mail = address()
    first = invited(world, owner, mail, "viewer")
    second = invited(world, owner, mail, "operator")
    assert accept(world.browser(), first, password=PASSWORD).status_code == 422
    client = world.logged_in(owner).client
    (listed,) = client.get("/api/v1/invitations").json()
    assert listed["role"] == "operator"
    path = f"/api/v1/invitations/{listed['invitation_id']}"
    assert client.delete(path).status_code == 204
    assert client.delete(path).status_code == 404
    assert accept(world.browser(), second, password=PASSWORD).status_code == 422


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE invitations SET expires_at = now() WHERE mail = %(mail)s",
        "UPDATE memberships SET role = 'operator' WHERE user_id = %(maker)s",
        "DELETE FROM memberships WHERE user_id = %(maker)s",
    ],
)
def test_an_invitation_ends_with_its_time_or_its_makers_right(world: World, change: str) -> None:
    owner = account(world.dsn)
    admin = account(world.dsn, slug=owner.slug, role=Role.ADMIN)
    mail = address()
    token = invited(world, admin, mail, "admin")
    with psycopg.connect(world.dsn) as connection:
        connection.execute(change, {"mail": mail, "maker": admin.user_id})
    assert accept(world.browser(), token, password=PASSWORD).status_code == 422


def test_nobody_gives_or_takes_a_role_with_more_than_they_have(world: World) -> None:
    owner = account(world.dsn)
    admin = account(world.dsn, slug=owner.slug, role=Role.ADMIN)
    viewer = account(world.dsn, slug=owner.slug, role=Role.VIEWER)
    client = world.logged_in(admin).client
    invitation = client.post("/api/v1/invitations", json={"mail": address(), "role": "owner"})
    assert invitation.status_code == 403
    promoted = client.put(f"/api/v1/users/{viewer.user_id}", json={"role": "owner"})
    assert promoted.status_code == 403
    demoted = client.put(f"/api/v1/users/{owner.user_id}", json={"role": "viewer"})
    assert demoted.status_code == 403
    assert client.delete(f"/api/v1/users/{owner.user_id}").status_code == 403
    itself = client.put(f"/api/v1/users/{admin.user_id}", json={"role": "owner"})
    assert itself.status_code == 403
    changed = client.put(f"/api/v1/users/{viewer.user_id}", json={"role": "operator"})
    assert changed.status_code == 200 and changed.json()["role"] == "operator"


def test_a_key_with_few_permissions_gives_no_role_with_more(world: World) -> None:
    owner = account(world.dsn)
    program = account(world.dsn, slug=owner.slug, permissions=[Permission.USERS_WRITE])
    body = {"mail": address(), "role": "viewer"}
    answer = httpx.post(f"{world.url}/api/v1/invitations", json=body, headers=program.key)
    assert answer.status_code == 403


def test_the_last_owner_stays(world: World) -> None:
    owner = account(world.dsn)
    client = world.logged_in(owner).client
    me = f"/api/v1/users/{owner.user_id}"
    refused = client.put(me, json={"role": "admin"})
    assert refused.status_code == 422 and refused.json()["type"].endswith("last-owner")
    assert client.delete(me).status_code == 422
    second = account(world.dsn, slug=owner.slug)
    assert client.put(me, json={"role": "admin"}).status_code == 200
    with psycopg.connect(world.dsn) as connection:
        rows = connection.execute(
            "SELECT user_id FROM memberships WHERE organisation_id = %s AND role = 'owner'",
            [owner.organisation_id],
        ).fetchall()
    assert rows == [(second.user_id,)]


def test_two_last_owners_who_leave_at_once_do_not_both_go(world: World) -> None:
    for _ in range(5):
        one = account(world.dsn)
        two = account(world.dsn, slug=one.slug)
        with ThreadPoolExecutor(2) as pool:
            answers = list(
                pool.map(
                    lambda who: (
                        httpx.delete(
                            f"{world.url}/api/v1/users/{who.user_id}", headers=who.session
                        ).status_code
                    ),
                    (one, two),
                )
            )
        assert sorted(answers) == [204, 422]


def test_an_owner_is_limited_to_nothing(world: World) -> None:
    owner = account(world.dsn)
    answer = world.logged_in(owner).client.post(
        "/api/v1/invitations",
        json={"mail": address(), "role": "owner", "limits": {"sites": []}},
    )
    assert answer.status_code == 422


def test_limits_name_what_is_the_organisations(world: World) -> None:
    owner, stranger = account(world.dsn), account(world.dsn)
    site = f"depot-{uuid.uuid4().hex[:8]}"
    give_site(world.dsn, site, stranger.organisation_id)
    for limits in ({"sites": [site]}, {"camera_groups": [str(uuid.uuid4())]}):
        answer = world.logged_in(owner).client.post(
            "/api/v1/invitations", json={"mail": address(), "role": "viewer", "limits": limits}
        )
        assert answer.status_code == 422


def test_a_removed_member_is_out_at_once(world: World) -> None:
    owner = account(world.dsn)
    member = account(world.dsn, slug=owner.slug, role=Role.ADMIN)
    client = world.logged_in(owner).client
    assert client.delete(f"/api/v1/users/{member.user_id}").status_code == 204
    for headers in (member.key, member.session):
        assert httpx.get(f"{world.url}/api/v1/session", headers=headers).status_code == 401
    login = httpx.post(
        f"{world.url}/api/v1/session", json={"mail": member.mail, "password": PASSWORD}
    )
    assert login.status_code == 401 and login.json()["type"].endswith("no-organisation")
    assert client.get(f"/api/v1/users/{member.user_id}").status_code == 404
