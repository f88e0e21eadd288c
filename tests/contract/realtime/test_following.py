"""Events reach those who follow, and only those who may."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import psycopg
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from consumers.access.permissions import Permission, Role
from infra.runtime.settings import Settings
from tests.access_helpers import Account, account, give_site
from tests.contract.realtime.stream_parts import PAGE, WAIT_S, Process, Site, read, take


def test_an_event_reaches_a_socket_with_its_position(
    server: Process, site: Site, owner: Account
) -> None:
    with server.socket(owner.key) as client:
        assert read(client, "ready")["selection"]["mode"] == ["live"]
        sent = site.event()
        message = read(client, "event")
    assert message["position"]
    told = message["event"]
    assert told["event_id"] == sent.event_id
    assert told["opened_at"] == "2026-09-21T14:13:20Z"
    assert told["tracks"] == ["t1"]


def test_an_event_reaches_an_event_source(server: Process, site: Site, owner: Account) -> None:
    with server.events(owner.key) as events:
        assert next(events).event == "ready"
        sent = site.event()
        ((position, told),) = take(events, 1)
    assert position
    assert told["event_id"] == sent.event_id


def test_selections_restrict_and_can_be_changed(
    server: Process, site: Site, owner: Account
) -> None:
    with server.socket(owner.key, rule=["fence"], mode=["live", "shadow"]) as client:
        read(client, "ready")
        site.event(rule="gate-crossed")
        wanted = site.event(rule="fence", mode="shadow")
        assert read(client, "event")["event"]["event_id"] == wanted.event_id
        yard = f"{site.name}/yard"
        client.send(json.dumps({"type": "select", "selection": {"camera": [yard]}}))
        assert read(client, "ready")["selection"]["camera"] == [yard]
        site.event(camera="gate")
        wanted = site.event(camera="yard")
        assert read(client, "event")["event"]["event_id"] == wanted.event_id


def test_verdicts_and_health_are_told_on_request(
    server: Process, site: Site, owner: Account
) -> None:
    with server.socket(owner.key, kind=["verdict", "health"]) as client:
        read(client, "ready")
        site.event()
        site.health("gate", "stalled", 1)
        assert read(client, "health")["health"]["state"] == "stalled"
        sent = site.verdict()
        assert read(client, "verdict")["verdict"]["candidate_id"] == sent.candidate_id


def test_others_hear_nothing(
    server: Process, site: Site, owner: Account, settings: Settings
) -> None:
    stranger = account(settings.postgres_dsn)
    elsewhere = account(
        settings.postgres_dsn, slug=owner.slug, role=Role.VIEWER, sites=["another-site"]
    )
    with (
        server.socket(stranger.key) as foreign,
        server.socket(elsewhere.key) as limited,
        server.socket(owner.key) as client,
    ):
        for one in (foreign, limited, client):
            read(one, "ready")
        site.event()
        read(client, "event")
        for one in (foreign, limited):
            one.send('{"type": "ping", "data": 7}')
            assert read(one, "pong", "event") == {"type": "pong", "data": 7}


def test_a_revoked_key_ends_its_streams(
    server: Process, owner: Account, settings: Settings
) -> None:
    with server.socket(owner.key) as client, server.events(owner.key) as events:
        read(client, "ready")
        with psycopg.connect(settings.postgres_dsn) as connection:
            connection.execute(
                "UPDATE api_keys SET revoked_at = now() WHERE key_id = %s", [owner.key_id]
            )
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(WAIT_S)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401
        assert [one.event for one in events] == ["ready"]


def test_a_permission_taken_away_ends_a_stream(server: Process, settings: Settings) -> None:
    somebody = account(settings.postgres_dsn, permissions=[Permission.EVENTS_READ])
    with server.socket(somebody.key) as client:
        read(client, "ready")
        with psycopg.connect(settings.postgres_dsn) as connection:
            connection.execute(
                "UPDATE api_keys SET permissions = '{counts:read}' WHERE key_id = %s",
                [somebody.key_id],
            )
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(WAIT_S)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4403


def test_a_site_given_away_is_heard_by_its_new_owner_alone(
    server: Process, site: Site, owner: Account, settings: Settings
) -> None:
    receiver = account(settings.postgres_dsn)
    with server.socket(owner.key) as before, server.socket(receiver.key) as after:
        read(before, "ready")
        read(after, "ready")
        site.event()
        read(before, "event")
        give_site(settings.postgres_dsn, site.name, receiver.organisation_id)
        hub = server.app.state.hub
        while hub.owner(site.name) != receiver.organisation_id:
            pass
        sent = site.event()
        assert read(after, "event")["event"]["event_id"] == sent.event_id
        before.send('{"type": "ping"}')
        read(before, "pong")


def test_a_session_opens_a_socket_for_our_own_pages_alone(server: Process, owner: Account) -> None:
    with server.socket(owner.session, origin=PAGE) as client:
        read(client, "ready")
    for origin in ("https://elsewhere.example", None):
        with pytest.raises(InvalidStatus) as refused:
            server.socket(owner.session, origin=origin)
        assert refused.value.response.status_code == 403
        assert b"foreign-origin" in refused.value.response.body


def test_a_ticket_opens_one_socket(server: Process, site: Site, owner: Account) -> None:
    url = f"http://{server.address}/api/v1/stream/tickets"
    made = httpx.post(url, headers=owner.key)
    assert made.status_code == 201
    ticket = made.json()["ticket"]
    with server.socket({}, ticket=ticket) as client:
        read(client, "ready")
        sent = site.event()
        assert read(client, "event")["event"]["event_id"] == sent.event_id
    for spent in (ticket, "nonsense"):
        with pytest.raises(InvalidStatus) as refused:
            server.socket({}, ticket=spent)
        assert refused.value.response.status_code == 401


@pytest.mark.parametrize(
    ("parameters", "status"),
    [({"state": ""}, 422), ({"colour": "red"}, 422), ({"kind": "frame"}, 422)],
)
def test_a_wrong_selection_is_refused(
    server: Process, owner: Account, parameters: dict[str, Any], status: int
) -> None:
    url = f"http://{server.address}/api/v1/events/stream"
    assert httpx.get(url, headers=owner.key, params=parameters).status_code == status
    with pytest.raises(InvalidStatus) as refused:
        server.socket(owner.key, **parameters)
    assert refused.value.response.status_code == status


def test_nobody_and_one_without_permission_are_refused(server: Process, settings: Settings) -> None:
    somebody = account(settings.postgres_dsn, permissions=[Permission.EVENTS_READ])
    refused_ones: list[tuple[dict[str, str], dict[str, Any], int]] = [
        ({}, {}, 401),
        (somebody.key, {"kind": "health"}, 403),
    ]
    for headers, parameters, status in refused_ones:
        with pytest.raises(InvalidStatus) as refused:
            server.socket(headers, **parameters)
        assert refused.value.response.status_code == status
        url = f"http://{server.address}/api/v1/events/stream"
        answer = httpx.get(url, headers=headers, params=parameters)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"


def test_what_cannot_be_understood_is_survived_for_a_while(
    server: Process, site: Site, owner: Account
) -> None:
    with server.socket(owner.key) as client:
        read(client, "ready")
        for message, code in (
            ("{", "no-json"),
            (b"\0", "no-json"),
            ("[]", "unknown-message"),
            ('{"type": "select", "selection": {"mode": 7}}', "bad-selection"),
            (json.dumps({"type": "ping", "data": "x" * 500}), "too-long"),
        ):
            client.send(message)
            assert read(client, "error")["code"] == code
        sent = site.event()
        assert read(client, "event")["event"]["event_id"] == sent.event_id
        for _ in range(5):
            client.send("{")
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                client.recv(WAIT_S)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008


def test_a_process_that_stops_sends_its_clients_away(
    start: Callable[[], Process], owner: Account
) -> None:
    server = start()
    with server.socket(owner.key) as client, server.events(owner.key) as events:
        read(client, "ready")
        assert next(events).event == "ready"
        server.stop()
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(WAIT_S)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
        assert list(events) == []


def test_too_many_clients_are_told_to_come_back(
    server: Process, owner: Account, settings: Settings
) -> None:
    hub = server.app.state.hub
    hub.limits = type(hub.limits)(clients=2, clients_of_one=1)
    others = [account(settings.postgres_dsn) for _ in range(2)]
    with server.socket(owner.key) as client, server.events(others[0].key) as events:
        read(client, "ready")
        next(events)
        for somebody in (owner, others[1]):
            with pytest.raises(InvalidStatus) as refused:
                server.socket(somebody.key)
            assert refused.value.response.status_code == 503
            assert int(refused.value.response.headers["Retry-After"]) > 0
    with server.socket(owner.key) as client:
        read(client, "ready")
