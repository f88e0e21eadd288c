"""Every route, asked by a stranger and by a limited member about what is not theirs.

An organisation's data are marked with a word. Nobody else's answers may hold it, whatever route is
asked with whatever ids, and nobody else's request may change a row.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx
import psycopg
import pytest

from consumers.access.permissions import Role
from consumers.api.app import build
from tests.access_helpers import Account, account, api_settings, serving
from tests.contract.access.bodies import Bodies
from tests.contract.access.routes import Route, all_routes
from tests.contract.access.test_matrix import SAFE, fresh_session
from tests.contract.access.world import nothing_else_answers
from tests.contract.api.tenants import Tenant
from tests.contract.consumers.store_rows import receipt, upsert

CAMERA = "gate"
LEFT_OUT = {"/api/v1/stream", "/api/v1/events/stream"}
"""Endless: tests of realtime look at what they carry."""
OWN = {"sessions", "audit", "audit_heads", "throttles", "idempotent_answers", "api_keys"}
"""Tables of those who ask: rows of theirs there are no one else's."""
ODD = ("\x00", "a\ud800b", "\U0001f6a8" * 20_000, "\u202e\r\nX: y", "")


@dataclass(frozen=True)
class House:
    """The marked organisation, and the routes that are asked for it."""

    tenant: Tenant
    mark: str
    ids: Mapping[str, str]
    other: str
    """Another site of the organisation, with a camera, of which nothing is marked."""
    routes: list[Route]
    bodies: Bodies
    http: httpx.Client
    dsn: str

    def path(self, route: Route) -> str:
        return re.sub(
            r"\{([^}:]+)[^}]*\}",
            lambda found: self.ids.get(found[1], str(uuid.UUID(int=7))),
            route.path,
        )

    def ask(self, route: Route, headers: Mapping[str, str]) -> httpx.Response:
        return self.send(route, headers, self.bodies.of(route.method, route.path))

    def send(self, route: Route, headers: Mapping[str, str], body: Any) -> httpx.Response:
        # By json.dumps: it writes half of a surrogate pair as an escape.
        content = None if body is None else json.dumps(body).encode()
        kind = {} if body is None else {"Content-Type": "application/json"}
        return self.http.request(
            route.method, self.path(route), headers={**headers, **kind}, content=content
        )


@pytest.fixture(scope="module")
def house(dsn: str) -> Iterator[House]:
    with pytest.MonkeyPatch.context() as patch:
        nothing_else_answers(patch)
        settings = api_settings(dsn)
        app = build(settings)
        nothing_kept = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        with (
            serving(settings) as url,
            Tenant(dsn, url) as tenant,
            httpx.Client(base_url=url, timeout=60, cookies=nothing_kept) as http,
        ):
            other = tenant.another_site()
            tenant.health(CAMERA, site=other, health_id=f"{other}/{CAMERA}")
            mark, ids = _furnish(dsn, tenant, other)
            routes = [
                one
                for one in all_routes(app)
                if one.method != "WEBSOCKET" and one.path not in LEFT_OUT and not one.public
            ]
            yield House(tenant, mark, ids, other, routes, Bodies(app.openapi()), http, dsn)


def _furnish(dsn: str, tenant: Tenant, other: str) -> tuple[str, dict[str, str]]:
    mark = f"mark{uuid.uuid4().hex[:12]}"
    tenant.health(CAMERA)
    event_id = tenant.event(rule=mark)
    tenant.count(0, sensor=mark)
    guest = account(dsn, slug=tenant.slug, role=Role.ADMIN, mail=f"{mark}@example.com")
    http = tenant.http
    group = http.post(
        "/api/v1/camera-groups", json={"name": mark, "cameras": [f"{tenant.site}/{CAMERA}"]}
    )
    assert group.status_code == 201, group.text
    shared = {"name": "Shared", "cameras": [f"{tenant.site}/{CAMERA}", f"{other}/{CAMERA}"]}
    assert http.post("/api/v1/camera-groups", json=shared).status_code == 201
    route_id = _lay_down(tenant, mark, group.json()["group_id"])
    with psycopg.connect(dsn) as connection:
        connection.execute("UPDATE sites SET name = %s WHERE site = %s", [mark, tenant.site])
        connection.execute("UPDATE cameras SET name = %s WHERE site = %s", [mark, tenant.site])
        connection.execute(
            "UPDATE organisations SET name = %s WHERE slug = %s", [mark, tenant.slug]
        )
        invitation = connection.execute(
            "INSERT INTO invitations (organisation_id, mail, role, token_hash, expires_at) "
            "VALUES (%s, %s, 'viewer', sha256(%s), now() + interval '1 day') "
            "RETURNING invitation_id",
            [tenant.owner.organisation_id, f"guest@{mark}.example", mark.encode()],
        ).fetchone()
        assert invitation is not None
    ids = {
        "site": tenant.site,
        "camera": CAMERA,
        "event_id": event_id,
        "candidate_id": tenant.candidate(rule=mark, event_id=event_id),
        "evidence_id": tenant.evidence(event_id=event_id),
        "group_id": group.json()["group_id"],
        "user_id": str(guest.user_id),
        "key_id": str(guest.key_id),
        "session_id": str(guest.session_id),
        "invitation_id": str(invitation[0]),
        "route_id": route_id,
    }
    _note(tenant, mark, event_id)
    return mark, ids


def _lay_down(tenant: Tenant, mark: str, group_id: str) -> str:
    """Have notifications name what is marked; return the id of a route."""
    camera = {"site": tenant.site, "camera": CAMERA}
    named = {"sites": [tenant.site]}, {"cameras": [camera]}, {"camera_groups": [group_id]}
    path, made = "/api/v1/notifications", []
    for number, when in enumerate(named):
        body = {"name": f"{mark}-{number}", "everyone": True, "when": when}
        made.append(tenant.http.post(f"{path}/routes", json=body))
    until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    for what in ({"site": tenant.site}, camera):
        body = {**what, "until": until, "reason": mark}
        made.append(tenant.http.post(f"{path}/mutes", json=body))
    assert [one.status_code for one in made] == [201] * 5, [one.text for one in made]
    return str(made[0].json()["route_id"])


def _note(tenant: Tenant, mark: str, event_id: str) -> None:
    """Store what lists show besides, of the marked site."""
    own, site = tenant.owner.organisation_id, tenant.site
    tenant.health(mark, kind="process", health_id=f"{site}/process/{mark}")
    upsert(
        tenant.database,
        "receipts",
        replace(receipt(f"{site}/{mark}", 1), site=site, kind="model", document=mark),
    )
    tenant.database.execute(
        "INSERT INTO holds (organisation_id, event_id, site, camera, reason, placed_by) "
        "VALUES (%s, %s, %s, %s, %s, 'test')",
        [own, event_id, site, CAMERA, mark],
    )
    tenant.database.execute(
        "INSERT INTO erasures (organisation_id, site, camera, from_at, to_at, reason, requested_by) "
        "VALUES (%s, %s, %s, '2020-01-01Z', '2020-01-02Z', %s, 'test')",
        [own, site, CAMERA, mark],
    )
    tenant.database.execute(
        "INSERT INTO notify_deliveries (delivery_id, organisation_id, target_id, kind, event_id, "
        "event_state, site, camera, status, reason, due_at, give_up_at) "
        "VALUES (gen_random_uuid(), %s, gen_random_uuid(), 'event', %s, 'opened', %s, %s, 'dead', "
        "%s, now(), now())",
        [own, event_id, site, CAMERA, mark],
    )


@pytest.fixture(scope="module")
def stranger(house: House) -> Account:
    """An owner, of another organisation."""
    return account(house.dsn)


@pytest.fixture(scope="module")
def limited(house: House) -> Account:
    """An admin of the same organisation, limited to another site of it."""
    return house.tenant.member(Role.ADMIN, sites=[house.other])


@pytest.fixture(scope="module")
def grouped(house: House) -> Account:
    """An operator of the same organisation, limited to a group of another site's camera."""
    body = {"name": "Theirs", "cameras": [f"{house.other}/{CAMERA}"]}
    made = house.tenant.http.post("/api/v1/camera-groups", json=body).json()
    return house.tenant.member(Role.OPERATOR, groups=[made["group_id"]])


def test_the_owner_sees_the_mark_in_many_places(house: House) -> None:
    """Else the tests below would prove nothing."""
    seen = {
        route.path
        for route in house.routes
        if route.method == "GET" and house.mark in house.ask(route, house.tenant.owner.key).text
    }
    lists = "events candidates sites cameras health holds erasures models users audit camera-groups"
    told = "routes mutes deliveries dead-letters"
    wanted = {
        "/api/v1/events/{event_id}",
        "/api/v1/notifications/routes/{route_id}",
        *(f"/api/v1/{name}" for name in lists.split()),
        *(f"/api/v1/notifications/{name}" for name in told.split()),
    }
    assert wanted <= seen, wanted - seen


@pytest.mark.parametrize("asker", ["stranger", "limited", "grouped"])
def test_nobody_else_sees_the_mark(
    house: House, asker: str, request: pytest.FixtureRequest
) -> None:
    who: Account = request.getfixturevalue(asker)
    # The organisation's own name is no secret among its members.
    allowed = set() if asker == "stranger" else {"/api/v1/organisation", "/api/v1/session"}
    for route in house.routes:
        if route.method == "GET" and route.path not in allowed:
            answer = house.ask(route, who.key)
            assert house.mark not in answer.text, route
            # A list names no site either; an answer may repeat what it was asked for.
            assert "{" in route.path or house.tenant.site not in answer.text, route
            assert answer.status_code != 500, route


@pytest.mark.parametrize("asker", ["limited", "grouped"])
def test_of_a_group_its_cameras_within_the_limits_are_shown(
    house: House, asker: str, request: pytest.FixtureRequest
) -> None:
    who: Account = request.getfixturevalue(asker)
    request.getfixturevalue("grouped")
    with house.tenant.as_(who) as http:
        shown = http.get("/api/v1/camera-groups").json()["items"]
        assert [(one["name"], one["members"]) for one in shown] == [("Shared", 1), ("Theirs", 1)]
        for one in shown:
            details = http.get(f"/api/v1/camera-groups/{one['group_id']}").json()
            assert details["cameras"] == [f"{house.other}/{CAMERA}"]
            assert details["members"] == 1


@pytest.mark.parametrize("asker", ["stranger", "limited", "grouped"])
def test_nobody_else_changes_a_row(
    house: House, asker: str, request: pytest.FixtureRequest
) -> None:
    who: Account = request.getfixturevalue(asker)
    before = _rows(house)
    done: list[str] = []
    for route in house.routes:
        if route.method in SAFE:
            continue
        answer = house.ask(route, fresh_session(house.tenant.database, who, stepped_up=True))
        assert answer.status_code != 500, f"{route}: {answer.text}"
        done.append(f"{route}: {answer.status_code}")
    changed = {table for table, rows in _rows(house).items() if rows != before[table]}
    assert not changed, (changed, done)


def test_odd_texts_are_refused_or_kept_and_never_a_fault(house: House) -> None:
    faults = []
    for route in house.routes:
        schema = house.bodies.schema(route.method, route.path)
        if schema is None:
            continue
        for name in house.bodies.texts(schema):
            for odd in ODD:
                body = {**house.bodies.example(schema), name: odd}
                headers = fresh_session(house.tenant.database, house.tenant.owner, stepped_up=True)
                answer = house.send(route, headers, body)
                if answer.status_code >= 500 and answer.status_code != 503:
                    faults.append(f"{route} {name}={odd[:10]!r}: {answer.status_code}")
                if odd == "\x00" and answer.is_success and not route.path.endswith("/check"):
                    faults.append(f"{route} {name}: NUL is taken: {answer.status_code}")
    assert not faults


def _rows(house: House) -> dict[str, Any]:
    """A digest of the rows of the marked organisation and site, by table."""
    found: dict[str, Any] = {}
    with psycopg.connect(house.dsn) as connection:
        tables = connection.execute(
            "SELECT c.table_name, bool_or(c.column_name = 'site') FROM information_schema.columns c "
            "JOIN information_schema.tables t USING (table_schema, table_name) "
            "WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' "
            "AND c.column_name IN ('organisation_id', 'site') GROUP BY c.table_name "
            "HAVING bool_or(c.column_name = 'organisation_id')"
        ).fetchall()
        for table, has_site in tables:
            if table in OWN:
                continue
            condition = "site = %(site)s" if has_site else "organisation_id = %(own)s"
            values = {"site": house.tenant.site, "own": house.tenant.owner.organisation_id}
            row = connection.execute(
                f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t "
                f"WHERE {condition}",
                values,
            ).fetchone()
            assert row is not None
            found[table] = row[0]
    assert found["events"] and found["sites"] and found["memberships"]
    return found
