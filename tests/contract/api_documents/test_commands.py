"""Orders to a site and its answers, through Kafka to its agent and back."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from httpx import Client

from consumers.access.permissions import Role
from consumers.sync.publish import commands_topic
from infra.runtime.kafka import read_all
from infra.runtime.settings import Settings
from tests.access_helpers import Account, account
from tests.contract.api_documents.conftest import SITE, Start
from tests.contract.api_documents.test_configurations import agent, published, saved, settled, text

PATH = f"/api/v1/sites/{SITE}/commands"
pytestmark = pytest.mark.usefixtures("receipts")


@pytest.fixture
def api(url: str, owner: Account) -> Client:
    return Client(base_url=url, headers=owner.key, timeout=60)


def ordered(api: Client, mode: str, **more: Any) -> dict[str, Any]:
    answer = api.post(f"{PATH}/arm", json={"mode": mode, **more})
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


def answered(api: Client, order: dict[str, Any]) -> dict[str, Any]:
    return dict(api.get(f"{PATH}/{order['command_id']}?wait_s=30").json())


def test_a_site_is_armed_and_says_so(api: Client, start: Start) -> None:
    start(agent)
    published(api, saved(api, text("to be armed"))["number"])
    settled(api)
    first = ordered(api, "away")
    assert first["state"] == "waiting" and first["answer"] is None
    obeyed = answered(api, first)
    assert (obeyed["state"], obeyed["answer"]["modes"]) == ("applied", ["away"])
    state = api.get(f"/api/v1/sites/{SITE}/configuration/state").json()
    assert state["running"]["modes"] == ["away"]
    assert state["running"]["config_version"] == obeyed["answer"]["config_version"]

    refused = answered(api, ordered(api, "asleep"))
    assert refused["state"] == "refused" and "asleep" in refused["answer"]["faults"][0]["what"]
    late = answered(api, ordered(api, "home", valid_s=0.001))
    assert late["state"] == "refused" and "too late" in late["answer"]["faults"][0]["what"]
    off = answered(api, ordered(api, "off"))
    assert (off["state"], off["answer"]["modes"]) == ("applied", [])

    listed = api.get(f"{PATH}?limit=3").json()
    states = [(one["arguments"]["mode"], one["state"]) for one in listed["items"]]
    assert states == [("off", "applied"), ("home", "refused"), ("asleep", "refused")]
    following = api.get(listed["next"]).json()["items"]
    assert following[0]["command_id"] == first["command_id"]
    assert following[0]["state"] == "applied", "its receipt is another's by now, its answer stays"
    told = api.get(f"/api/v1/sites/{SITE}/receipts?kind=command").json()["items"]
    assert "command/arm" in [one["document"] for one in told]
    assert {one["kind"] for one in told} == {"command"}


def test_an_order_is_sent_once(api: Client, settings: Settings) -> None:
    names = {"Idempotency-Key": str(uuid.uuid4())}
    # Late already: no test that comes after it finds the site armed.
    body = {"mode": "home", "valid_s": 0.001}
    answers = [api.post(f"{PATH}/arm", json=body, headers=names).json() for _ in range(3)]
    assert len({one["command_id"] for one in answers}) == 1
    sent = [one.key for one in read_all(settings.cloud_kafka, commands_topic(SITE))]
    assert sent.count(answers[0]["command_id"]) == 1


def test_what_nobody_answers_is_unanswered(api: Client) -> None:
    order = ordered(api, "home", valid_s=0.001)
    found = api.get(f"{PATH}/{order['command_id']}?wait_s=0.1").json()
    assert (found["state"], found["answer"]) == ("unanswered", None)


@pytest.mark.parametrize(
    "body",
    [
        {"mode": "a\x00"},
        {"mode": ""},
        {"mode": "x" * 65},
        {"mode": ["home"]},
        {"mode": "home", "valid_s": 0},
        {"mode": "home", "valid_s": 1e308},
        {},
    ],
)
def test_odd_orders_are_refused(api: Client, body: dict[str, Any]) -> None:
    assert api.post(f"{PATH}/arm", json=body).status_code == 422


def test_who_may(
    url: str, api: Client, settings: Settings, owner: Account, stranger: Account
) -> None:
    order = ordered(api, "home", valid_s=0.001)["command_id"]
    dsn = settings.postgres_dsn
    viewer = account(dsn, slug=owner.slug, role=Role.VIEWER)
    limited = account(dsn, slug=owner.slug, role=Role.OPERATOR, sites=["depot-8"])
    for who, status in ((viewer, 403), (limited, 404), (stranger, 404)):
        theirs = Client(base_url=url, headers=who.key)
        assert theirs.post(f"{PATH}/arm", json={"mode": "away"}).status_code == status
        assert theirs.get(PATH).status_code == status
        assert theirs.get(f"{PATH}/{order}").status_code == status
    assert api.get(f"{PATH}/{uuid.uuid4()}").status_code == 404
    assert api.get(f"{PATH}/none").status_code == 422
    assert api.get(f"{PATH}?cursor=nonsense").status_code == 422
