"""Every operation asks for something that the OpenAPI document offers, and nothing is left out."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from importlib import import_module
from inspect import getmembers, isfunction
from pathlib import Path
from pkgutil import iter_modules
from typing import Any
from uuid import UUID

import pytest

from consumers import client
from consumers.access.permissions import Role
from consumers.api.shapes.events import EventFilter
from consumers.api.shapes.keeping import Retention
from consumers.api.shapes.notifications import RateLimit
from consumers.api.shapes.people import LimitsBody
from consumers.api.shapes.routing import Escalation, EscalationStep, Route
from consumers.client import Sightline, operations
from consumers.client.calls import Call
from consumers.client.operations import (
    commands,
    configurations,
    figures,
    happenings,
    keeping,
    live,
    models,
    notifications,
    people,
    places,
    tracks,
)
from consumers.client.subjects import Every, One

DOCUMENT = json.loads((Path(client.__file__).parent / "openapi.json").read_text())
ID = UUID(int=7)
AT, LATER = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
SQUARE = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)]
HOOK = {"kind": "webhook", "url": "https://hook.example", "secret": "0123456789abcdef"}
ROUTE = Route(name="night", everyone=True)
ESCALATION = Escalation(name="late", steps=[EscalationStep(after_s=60, everyone=True)])
CALLS: dict[Any, Call[Any]] = {
    happenings.events: happenings.events(since=AT, site=["a"], assigned_to=ID, text="x"),
    happenings.event: happenings.event("e"),
    happenings.handling: happenings.handling("e"),
    happenings.acknowledge: happenings.acknowledge("e"),
    happenings.change_handling: happenings.change_handling("e", 1, assigned_to=ID),
    happenings.comment: happenings.comment("e", "seen"),
    happenings.acknowledge_many: happenings.acknowledge_many(["e"]),
    happenings.acknowledge_found: happenings.acknowledge_found(EventFilter(site=["a"]), 5),
    happenings.candidates: happenings.candidates(verdict=["shadow"]),
    happenings.candidate: happenings.candidate("c"),
    happenings.restore: happenings.restore("c"),
    happenings.evidence: happenings.evidence(kind=["clip"]),
    happenings.piece_of_evidence: happenings.piece_of_evidence("p"),
    happenings.evidence_link: happenings.evidence_link("p"),
    happenings.evidence_content: happenings.evidence_content("p"),
    places.sites: places.sites(5),
    places.site: places.site("a"),
    places.change_site: places.change_site("a", None, timezone="Europe/Madrid"),
    places.cameras: places.cameras(group=ID),
    places.camera: places.camera("a", "gate"),
    places.change_camera: places.change_camera("a", "gate", "The gate", '"tag"'),
    places.health: places.health(kind=["camera"]),
    places.camera_groups: places.camera_groups(),
    places.camera_group: places.camera_group(ID),
    places.make_camera_group: places.make_camera_group("doors", ["a/gate"]),
    places.change_camera_group: places.change_camera_group(ID, "doors", ["a/gate"], None),
    places.remove_camera_group: places.remove_camera_group(ID, None),
    figures.counts: figures.counts("a", AT, sensor=["line"], bucket="day"),
    figures.event_figures: figures.event_figures("a", AT, rule=["night"]),
    figures.candidate_figures: figures.candidate_figures("a", AT, until=LATER),
    figures.uptime: figures.uptime("a", AT, camera=["gate"]),
    figures.heat_map: figures.heat_map("a", "gate", date(2026, 1, 1)),
    configurations.show: configurations.show("a"),
    configurations.save: configurations.save("a", "version: 1", 0, "why"),
    configurations.check: configurations.check("a", "version: 1"),
    configurations.versions: configurations.versions("a", 5),
    configurations.version: configurations.version("a", 1),
    configurations.differences: configurations.differences("a", 1),
    configurations.state: configurations.state("a"),
    configurations.publications: configurations.publications("a"),
    configurations.publish: configurations.publish("a", 1),
    commands.arm: commands.arm("a", "away"),
    commands.sent: commands.sent("a", 5),
    commands.show: commands.show("a", ID, 5),
    commands.receipts: commands.receipts("a", "model"),
    live.show: live.show("a", "gate"),
    live.answer: live.answer("a", "gate", ID, 5),
    live.picture: live.picture("a", "gate"),
    live.pictures: live.pictures("a", "gate"),
    models.at_sites: models.at_sites(),
    models.rollouts: models.rollouts(),
    models.upload: models.upload(b"onnx"),
    models.publish: models.publish("yolo", "card", ["a"], "0" * 64, watch_s=5, max_missing=0.1),
    models.withdraw: models.withdraw("yolo", ["a"]),
    tracks.search: tracks.search("a", AT, LATER, camera=["gate"], within=SQUARE, across=SQUARE[:2]),
    tracks.show: tracks.show("a", "t"),
    notifications.targets: notifications.targets(),
    notifications.target: notifications.target(ID),
    notifications.make_target: notifications.make_target("hook", HOOK, enabled=False),
    notifications.change_target: notifications.change_target(
        ID, "hook", HOOK, '"3"', rate_limit=RateLimit(most=5, within_s=60)
    ),
    notifications.remove_target: notifications.remove_target(ID),
    notifications.send_test: notifications.send_test(ID),
    notifications.routes: notifications.routes(),
    notifications.route: notifications.route(ID),
    notifications.make_route: notifications.make_route(ROUTE),
    notifications.change_route: notifications.change_route(ID, ROUTE),
    notifications.remove_route: notifications.remove_route(ID),
    notifications.escalations: notifications.escalations(),
    notifications.escalation: notifications.escalation(ID),
    notifications.make_escalation: notifications.make_escalation(ESCALATION),
    notifications.change_escalation: notifications.change_escalation(ID, ESCALATION),
    notifications.remove_escalation: notifications.remove_escalation(ID),
    notifications.mutes: notifications.mutes(),
    notifications.mute: notifications.mute(LATER, site="a", reason="works"),
    notifications.unmute: notifications.unmute(ID),
    notifications.deliveries: notifications.deliveries(status="dead", target_id=ID),
    notifications.delivery: notifications.delivery(ID),
    notifications.replay: notifications.replay(ID),
    notifications.drop: notifications.drop(ID),
    notifications.dead_letters: notifications.dead_letters(),
    notifications.replay_all: notifications.replay_all(ID),
    notifications.drop_all: notifications.drop_all(),
    keeping.retention: keeping.retention(),
    keeping.set_retention: keeping.set_retention(Retention(events=7)),
    keeping.holds: keeping.holds(in_force=False),
    keeping.hold: keeping.hold("e", "a court asks"),
    keeping.release: keeping.release("e"),
    keeping.erasures: keeping.erasures(),
    keeping.erasure: keeping.erasure(ID),
    keeping.erase: keeping.erase("a", AT, LATER, "was asked to", camera="gate"),
    keeping.audit: keeping.audit(actor=ID, from_at=AT),
    people.asker: people.asker(),
    people.organisation: people.organisation(),
    people.rename_organisation: people.rename_organisation("Acme"),
    people.users: people.users(),
    people.user: people.user(ID),
    people.change_user: people.change_user(ID, Role.VIEWER, LimitsBody(sites=["a"])),
    people.remove_user: people.remove_user(ID),
    people.invitations: people.invitations(),
    people.invite: people.invite("ada@acme.example", Role.ADMIN),
    people.withdraw_invitation: people.withdraw_invitation(ID),
    people.keys: people.keys(),
    people.revoke_key: people.revoke_key(ID),
}
FOLLOWED = {"stream_events"}
"""By ``follow``, which is no request and answer."""
OF_BROWSERS = {
    "accept_invitation",
    "begin_provider_login",
    "change_password",
    "confirm_authenticator",
    "confirm_phone",
    "create_own_mute",
    "delete_own_mute",
    "end_other_sessions",
    "end_provider_login",
    "end_session",
    "enrol_authenticator",
    "enrol_phone",
    "forgot_password",
    "get_factors",
    "get_push_key",
    "list_own_mutes",
    "list_own_subscriptions",
    "list_providers",
    "list_sessions",
    "log_in",
    "log_out",
    "look_at_invitation",
    "make_key",
    "make_stream_ticket",
    "remove_authenticator",
    "remove_phone",
    "renew_recovery_codes",
    "reset_password",
    "send_code",
    "step_up",
    "subscribe",
    "switch_organisation",
    "unsubscribe",
}
"""What a logged-in person does; a key may not, or has no use for it."""
OFFERED: dict[str, tuple[str, re.Pattern[str], dict[str, Any]]] = {
    operation["operationId"]: (
        method.upper(),
        re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))),
        operation,
    )
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
    if path.startswith("/api/v1/")
}


def operation_of(call: Call[Any]) -> str:
    """Return the id in the document; a path without parameters comes before one with."""
    found = [
        (pattern.pattern.count("[^/]+"), name)
        for name, (method, pattern, _) in OFFERED.items()
        if method == call.method and pattern.fullmatch(call.path)
    ]
    assert found, f"{call.method} {call.path} is not offered"
    return min(found)[1]


def name_of(operation: Any) -> str:
    return f"{operation.__module__.rpartition('.')[2]}.{operation.__name__}"


def defined() -> set[Any]:
    modules = [
        import_module(f"{operations.__name__}.{found.name}")
        for found in iter_modules(operations.__path__)
    ]
    return {
        function
        for module in modules
        for name, function in getmembers(module, isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }


def test_whatever_a_program_may_ask_has_an_operation() -> None:
    asked = {operation_of(call) for call in CALLS.values()}
    assert asked | FOLLOWED | OF_BROWSERS == OFFERED.keys()
    assert not asked & (FOLLOWED | OF_BROWSERS)


def test_each_operation_asks_for_something_of_its_own() -> None:
    assert {name_of(one) for one in defined()} == {name_of(one) for one in CALLS}
    asked = [operation_of(call) for call in CALLS.values()]
    twice = {one for one in asked if asked.count(one) > 1}
    assert twice == {"acknowledge_events"}


def test_each_operation_is_a_method_of_the_clients() -> None:
    with Sightline("http://cloud", "sl_key") as sightline:
        subjects = [type(one) for one in vars(sightline).values()]
    offered = {
        method.operation
        for subject in subjects
        for method in vars(subject).values()
        if isinstance(method, One | Every)
    }
    flat = {one for one in defined() if hasattr(Sightline, one.__name__)}
    assert {name_of(one) for one in defined() - offered - flat} == {"live.pictures"}


@pytest.mark.parametrize("operation", CALLS, ids=name_of)
def test_what_is_sent_is_what_the_document_describes(operation: Any) -> None:
    call = CALLS[operation]
    described = OFFERED[operation_of(call)][2]
    parameters = {one["name"]: one for one in described.get("parameters", [])}
    assert call.params.keys() <= parameters.keys()
    assert ("idempotency-key" in parameters) == ("Idempotency-Key" in call.headers)
    assert "if-match" not in parameters or "If-Match" in call.headers
    body = described.get("requestBody")
    if call.content is not None:
        assert body is not None and list(body["content"]) == ["application/octet-stream"]
    elif call.json is None:
        assert body is None or not body.get("required")
    else:
        assert body is not None
        shape = resolved(body["content"]["application/json"]["schema"])
        sent = json.loads(json.dumps(call.json))
        assert set(shape.get("required", [])) <= sent.keys() <= shape["properties"].keys()


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema itself; of several, what they have together."""
    if "$ref" in schema:
        return resolved(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        several = [resolved(one) for one in schema["anyOf"]]
        return {"properties": {key: 1 for one in several for key in one["properties"]}}
    return schema
