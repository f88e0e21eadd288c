"""What operators of the cloud do by hand: the first owner, sites, people, keys."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid

import httpx
import psycopg

from tests.access_helpers import PASSWORD, account
from tests.contract.access.world import World, token_in

NO_SUCH = 1


def cli(world: World, *arguments: str, code: int = 0, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "infra.cli.main", *arguments],
        env={
            **os.environ,
            "SIGHTLINE_POSTGRES_DSN": world.dsn,
            "SIGHTLINE_PUBLIC_URL": "https://video.example",
            "COLUMNS": "200",
            **variables,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def name(kind: str) -> str:
    return f"{kind}-{uuid.uuid4().hex[:10]}"


def test_the_first_owner_by_a_link(world: World) -> None:
    slug, mail = name("org"), f"{name('owner')}@example.com"
    said = cli(world, "organisations", "create", slug, "--name", "An organisation", "--owner", mail)
    assert "https://video.example/invitation#" in said
    browser = world.browser()
    accepted = browser.post(
        "/api/v1/invitations/accept", json={"token": token_in(said), "password": PASSWORD}
    )
    assert accepted.status_code == 200, accepted.text
    assert browser.get("/api/v1/session").json()["organisations"][0]["role"] == "owner"
    assert slug in cli(world, "organisations", "list")
    again = cli(world, "organisations", "create", slug, "--name", "x", "--owner", mail, code=1)
    assert "already" in again


def test_the_first_owner_by_a_password(world: World) -> None:
    slug, mail = name("org"), f"{name('owner')}@example.com"
    options = ("organisations", "create", slug, "--name", "x", "--owner", mail, "--password")
    weak = cli(world, *options, code=NO_SUCH, SIGHTLINE_OWNER_PASSWORD="short")
    assert "at least 12" in weak
    cli(world, *options, SIGHTLINE_OWNER_PASSWORD=PASSWORD)
    assert world.log_in(mail).get("/api/v1/organisation").json()["slug"] == slug


def test_sites_keys_and_people(world: World) -> None:
    owner = account(world.dsn)
    site = name("depot")
    cli(world, "sites", "give", site, owner.slug)
    assert owner.slug in cli(world, "sites", "list")
    cli(world, "sites", "give", site, "no-such", code=NO_SUCH)
    key = cli(
        world,
        *("keys", "create", owner.slug, "--name", "a program", "--site", site),
        *("--permission", "audit:read", "--permission", "events:read"),
    ).strip()
    headers = {"Authorization": f"Bearer {key}"}
    asked = httpx.get(f"{world.url}/api/v1/session", headers=headers).json()
    assert asked["kind"] == "key" and asked["scope"]["sites"] == [site]
    assert asked["permissions"] == ["events:read"]
    prefix = key.rpartition("_")[0] if key.count("_") == 2 else "_".join(key.split("_")[:2])
    assert prefix in cli(world, "keys", "list", owner.slug)
    cli(world, "keys", "revoke", owner.slug, prefix)
    assert httpx.get(f"{world.url}/api/v1/session", headers=headers).status_code == 401
    mail = f"{name('guard')}@example.com"
    said = cli(world, "users", "invite", mail, owner.slug, "--role", "operator", "--site", site)
    joined = world.browser().post(
        "/api/v1/invitations/accept", json={"token": token_in(said), "password": PASSWORD}
    )
    assert joined.status_code == 200
    listed = cli(world, "users", "list", "--organisation", owner.slug)
    assert mail in listed and "operator" in listed and site in listed
    cli(world, "users", "disable", mail)
    body = {"mail": mail, "password": PASSWORD}
    assert httpx.post(f"{world.url}/api/v1/session", json=body).status_code == 401
    cli(world, "users", "enable", mail)
    assert httpx.post(f"{world.url}/api/v1/session", json=body).status_code == 200
    actions = [
        row[0]
        for row in psycopg.connect(world.dsn).execute(
            "SELECT action FROM audit WHERE organisation_id = %s AND actor_kind = 'operator' "
            "ORDER BY n",
            [owner.organisation_id],
        )
    ]
    assert actions == [
        "site.give",
        "key.make",
        "key.revoke",
        "invitation.make",
        "user.disable",
        "user.enable",
    ]


def test_the_last_owner_cannot_be_disabled(world: World) -> None:
    owner = account(world.dsn)
    assert "at least one owner" in cli(world, "users", "disable", owner.mail, code=NO_SUCH)
    assert httpx.get(f"{world.url}/api/v1/session", headers=owner.session).status_code == 200


def test_who_lost_every_factor_begins_anew(world: World) -> None:
    owner = account(world.dsn)
    world.logged_in(owner).enrol()
    assert world.log_in(owner.mail).get("/api/v1/session").status_code == 401
    cli(world, "users", "forget-factors", owner.mail)
    assert world.log_in(owner.mail).get("/api/v1/session").status_code == 200
