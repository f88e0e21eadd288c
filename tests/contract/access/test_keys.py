"""API keys: never more than their maker has, and gone when they are revoked."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from consumers.access.permissions import Role
from tests.access_helpers import Account, account, give_site
from tests.contract.access.world import World


def make(world: World, by: Account, **body: Any) -> httpx.Response:
    given = {"name": "a program", "permissions": ["events:read"], **body}
    return world.logged_in(by).client.post("/api/v1/keys", json=given)


def ask(world: World, key: str, path: str = "/api/v1/session") -> httpx.Response:
    return httpx.get(world.url + path, headers={"Authorization": f"Bearer {key}"})


def test_a_key_does_what_it_was_made_for(world: World) -> None:
    owner = account(world.dsn)
    made = make(world, owner, permissions=["audit:read"])
    assert made.status_code == 201, made.text
    key = made.json()["key"]
    assert ask(world, key, "/api/v1/audit").status_code == 200
    assert ask(world, key, "/api/v1/users").status_code == 403
    assert ask(world, key[:-1]).status_code == 401
    assert ask(world, "sightline_no").status_code == 401
    client = world.logged_in(owner).client
    listed = {one["key_id"]: one for one in client.get("/api/v1/keys").json()}
    mine = listed[made.json()["key_id"]]
    assert key.startswith(mine["prefix"]) and mine["used_at"] is not None
    assert key not in client.get("/api/v1/keys").text
    path = f"/api/v1/keys/{mine['key_id']}"
    assert client.delete(path).status_code == 204
    assert ask(world, key).status_code == 401
    assert client.delete(path).status_code == 404


def test_nobody_makes_a_key_with_more_than_they_have(world: World) -> None:
    owner = account(world.dsn)
    admin = account(world.dsn, slug=owner.slug, role=Role.ADMIN)
    assert make(world, admin, permissions=["organisation:write"]).status_code == 403
    assert make(world, admin, permissions=["audit:read"]).status_code == 201


def test_a_limited_maker_makes_limited_keys_and_sees_their_own(world: World) -> None:
    owner = account(world.dsn)
    mine, other = (f"site-{uuid.uuid4().hex[:8]}" for _ in range(2))
    for site in (mine, other):
        give_site(world.dsn, site, owner.organisation_id)
    limited = account(world.dsn, slug=owner.slug, role=Role.ADMIN, sites=[mine])
    assert make(world, limited, permissions=["audit:read"]).status_code == 403
    # What lies beyond is told from what is not there by nobody.
    for beyond in (other, "no-such-site"):
        refused = make(world, limited, limits={"sites": [mine, beyond]})
        assert refused.status_code == 422 and beyond in refused.json()["detail"]
    own = make(world, limited, limits={"sites": [mine]})
    assert own.status_code == 201
    scope = ask(world, own.json()["key"]).json()["scope"]
    assert scope == {"everything": False, "sites": [mine], "cameras": []}
    made = make(world, owner).json()["key_id"]
    client = world.logged_in(limited).client
    seen = {one["key_id"] for one in client.get("/api/v1/keys").json()}
    assert own.json()["key_id"] in seen and made not in seen
    assert client.delete(f"/api/v1/keys/{made}").status_code == 404


def test_a_key_makes_no_keys(world: World) -> None:
    owner = account(world.dsn)
    body = {"name": "another", "permissions": ["events:read"]}
    answer = httpx.post(f"{world.url}/api/v1/keys", json=body, headers=owner.key)
    assert answer.status_code == 403 and answer.json()["type"].endswith("needs-person")


def test_a_key_ends_when_it_was_said(world: World) -> None:
    owner = account(world.dsn)
    past = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    assert make(world, owner, expires_at=past).status_code == 422
    far = (datetime.now(UTC) + timedelta(days=9999)).isoformat()
    assert make(world, owner, expires_at=far).status_code == 422
    soon = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    assert make(world, owner, expires_at=soon).status_code == 201


def test_strangers_keys_are_not_there(world: World) -> None:
    owner, stranger = account(world.dsn), account(world.dsn)
    client = world.logged_in(owner).client
    assert client.delete(f"/api/v1/keys/{stranger.key_id}").status_code == 404
    assert ask(world, stranger.key["Authorization"].removeprefix("Bearer ")).status_code == 200
