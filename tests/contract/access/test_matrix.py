"""Role x route x tenant: every route of the application refuses whom it must, and admits the others.

What each role may do stands here a second time, written by hand. Routes are found by walking the
application; a new one is covered as soon as it is there, and one without a permission fails.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx
import psycopg
import pytest
import websockets
from fastapi import APIRouter
from websockets.asyncio.client import connect

from consumers.access.permissions import Permission, Role
from consumers.access.tokens import csrf_token, digest, new_token
from consumers.api.app import build
from tests.access_helpers import Account, account, api_settings, give_site, serving
from tests.contract.access.routes import Route, all_routes, undeclared
from tests.contract.access.world import nothing_else_answers

EVERYBODY = "owner admin operator viewer"
TABLE = {
    "events:read": EVERYBODY,
    "events:handle": "owner admin operator",
    "evidence:read": EVERYBODY,
    "tracks:read": EVERYBODY,
    "counts:read": EVERYBODY,
    "sites:read": EVERYBODY,
    "sites:write": "owner admin",
    "live:view": "owner admin operator",
    "commands:send": "owner admin operator",
    "config:read": "owner admin operator",
    "config:write": "owner admin",
    "models:read": "owner admin operator",
    "models:write": "owner admin",
    "notify:own": EVERYBODY,
    "notify:read": "owner admin operator",
    "notify:write": "owner admin",
    "users:read": "owner admin",
    "users:write": "owner admin",
    "keys:write": "owner admin",
    "audit:read": "owner admin",
    "retention:write": "owner admin",
    "holds:write": "owner admin",
    "data:erase": "owner admin",
    "organisation:write": "owner",
}
"""Permission: the roles that have it."""
CONCERNS_ALL = {
    "users:read",
    "users:write",
    "audit:read",
    "retention:write",
    "organisation:write",
    "models:write",
    "notify:write",
}
"""Not for who is limited to sites or groups."""
DANGEROUS = {
    "data:erase",
    "holds:write",
    "retention:write",
    "keys:write",
    "users:write",
    "organisation:write",
}
"""Nothing is changed by a session without a fresh second factor."""
REFUSALS = {"unauthenticated", "forbidden", "step-up-required", "csrf"}
SAFE = {"GET", "OPTIONS"}
AT_ONCE = 8
PARAMETER = re.compile(r"\{[^}]+\}")


@dataclass(frozen=True)
class Asker:
    """Somebody who asks, as the table sees them."""

    name: str
    who: Account | None = None
    by_key: bool = False
    limited: bool = False
    stepped_up: bool = True
    only: Permission | None = None

    def may(self, route: Route) -> bool:
        """Tell by the table alone whether a route admits them."""
        if route.public:
            return True
        if self.who is None:
            return False
        return all(self._may(permission.value, route) for permission in route.permissions)

    def _may(self, permission: str, route: Route) -> bool:
        assert self.who is not None
        if self.who.role.value not in TABLE[permission].split():
            return False
        if self.only is not None and self.only.value != permission:
            return False
        if self.limited and permission in CONCERNS_ALL:
            return False
        changes = route.method not in SAFE | {"WEBSOCKET"}
        return self.stepped_up or self.by_key or not changes or permission not in DANGEROUS


class Scene:
    """The API on Postgres alone, and everybody who asks."""

    def __init__(self, url: str, dsn: str, routes: list[Route]) -> None:
        self.url = url
        self.database = psycopg.connect(dsn, autocommit=True)
        self.routes = routes
        owner = account(dsn)
        site = f"site-{uuid.uuid4().hex[:8]}"
        give_site(dsn, site, owner.organisation_id)
        members = {role: account(dsn, slug=owner.slug, role=role) for role in Role}
        few = account(dsn, slug=owner.slug, permissions=[Permission.COUNTS_READ])
        fresh = account(dsn, slug=owner.slug, stepped_up=False)
        limited = {
            role: account(dsn, slug=owner.slug, role=role, sites=[site])
            for role in Role
            if role is not Role.OWNER
        }
        self.askers = [
            Asker("nobody"),
            *(Asker(f"{role.value}'s session", who) for role, who in members.items()),
            *(Asker(f"{role.value}'s key", who, by_key=True) for role, who in members.items()),
            *(
                Asker(f"limited {role.value}'s {kind}", who, by_key=kind == "key", limited=True)
                for role, who in limited.items()
                for kind in ("session", "key")
            ),
            Asker("owner without a step-up", fresh, stepped_up=False),
            Asker("key with one permission", few, by_key=True, only=Permission.COUNTS_READ),
        ]

    def headers(self, asker: Asker) -> dict[str, str]:
        """Headers that name an asker; each request has a session of its own, for some end theirs."""
        if asker.who is None:
            return {}
        if asker.by_key:
            return asker.who.key
        return fresh_session(self.database, asker.who, stepped_up=asker.stepped_up)


@pytest.fixture(scope="module")
def scene(dsn: str) -> Iterator[Scene]:
    with pytest.MonkeyPatch.context() as patch:
        nothing_else_answers(patch)
        settings = api_settings(dsn)
        with serving(settings) as url:
            made = Scene(url, dsn, all_routes(build(settings)))
            with made.database:
                yield made


def fresh_session(
    database: psycopg.Connection[Any], who: Account, *, stepped_up: bool
) -> dict[str, str]:
    token = new_token()
    database.execute(
        "INSERT INTO sessions (token_hash, user_id, organisation_id, pending, expires_at, "
        "stepped_up_at) VALUES (%s, %s, %s, false, now() + interval '1 hour', "
        "CASE WHEN %s THEN now() END)",
        [digest(token), who.user_id, who.organisation_id, stepped_up],
    )
    return {"Cookie": f"sightline_session={token}", "Sightline-CSRF": csrf_token(token)}


def test_every_route_names_a_permission_or_is_on_a_list(scene: Scene) -> None:
    assert undeclared(scene.routes) == []
    assert len(scene.routes) > 60


def test_a_route_without_a_permission_is_found() -> None:
    app = build(api_settings("postgresql://nowhere"))
    router = APIRouter()

    @router.get("/api/v1/forgotten")
    def forgotten() -> None:
        """Names nothing."""

    app.include_router(router)
    assert [str(one) for one in undeclared(all_routes(app))] == ["GET /api/v1/forgotten"]


def test_the_table_knows_every_permission() -> None:
    assert set(TABLE) == {permission.value for permission in Permission}
    assert {role for roles in TABLE.values() for role in roles.split()} == {*Role}


def test_roles_and_routes(scene: Scene) -> None:
    """Every asker at every route; bodies and parameters are wrong, so that nothing is done."""
    wrong = asyncio.run(_ask_all(scene))
    assert not wrong, "\n".join([f"{len(wrong)} are wrong:", *wrong[:40]])


async def _ask_all(scene: Scene) -> list[str]:
    turns = asyncio.Semaphore(AT_ONCE)
    nothing_kept = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    async with httpx.AsyncClient(base_url=scene.url, timeout=60, cookies=nothing_kept) as client:

        async def one(asker: Asker, route: Route) -> str | None:
            async with turns:
                return await _fault(scene, client, asker, route)

        pairs = [(asker, route) for route in scene.routes for asker in scene.askers]
        # What ends sessions comes behind all others, one after the other.
        calm = [pair for pair in pairs if not pair[1].signed_in]
        found = await asyncio.gather(*(one(*pair) for pair in calm))
        found += [await one(*pair) for pair in pairs if pair[1].signed_in]
    return [text for text in found if text is not None]


async def _fault(scene: Scene, client: httpx.AsyncClient, asker: Asker, route: Route) -> str | None:
    """Say what is wrong with how a route takes an asker."""
    headers = scene.headers(asker)
    if route.method == "WEBSOCKET":
        status, kind = await _shake_hands(scene.url, route.path, headers)
    else:
        status, kind = await _ask(client, route, headers)
    admitted = status not in (401, 500) and kind not in REFUSALS
    refused = status in (401, 403) and kind in REFUSALS
    if route.signed_in and asker.by_key:
        # Keys have no session or second factor: such routes may be for people alone.
        right = admitted or refused
    else:
        right = admitted if asker.may(route) else refused
    wanted = "admitted" if asker.may(route) else "refused"
    return None if right else f"{route}: {asker.name} should be {wanted}, but: {status} {kind}"


async def _ask(client: httpx.AsyncClient, route: Route, headers: dict[str, str]) -> tuple[int, str]:
    path = PARAMETER.sub("matrix", route.path)
    body = None if route.method in SAFE else '"no object"'
    if body is not None:
        headers = {**headers, "Content-Type": "application/json"}
    async with client.stream(route.method, path, headers=headers, content=body) as answer:
        if "problem+json" not in answer.headers.get("content-type", ""):
            # A stream of events never ends.
            return answer.status_code, ""
        await answer.aread()
        return answer.status_code, str(answer.json()["type"]).rpartition(":")[2]


async def _shake_hands(url: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
    origin = {"Origin": "http://127.0.0.1:8080"} if "Cookie" in headers else {}
    try:
        async with connect(
            url.replace("http:", "ws:") + path,
            additional_headers={**headers, **origin},
            open_timeout=60,
        ):
            return 101, ""
    except websockets.InvalidStatus as refused:
        found = re.search(rb"urn:sightline:problem:([a-z-]+)", refused.response.body or b"")
        return refused.response.status_code, found[1].decode() if found else "forbidden"
