"""Configurations from the first draft to the site and back, on the real stores."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from httpx import Client, Response

from consumers.access.permissions import Permission, Role
from consumers.sync.agent import run_agent
from consumers.sync.publish import config_topic, publish
from infra.runtime.kafka import read_all
from infra.runtime.service import Service
from infra.runtime.settings import Settings
from schemas.errors import Rejected
from schemas.site import SiteConfig, digest
from tests.access_helpers import Account, account
from tests.contract.api_documents.conftest import FOREIGN_SITE, SITE, Start
from tests.contract.consumers.consumer_parts import eventually

PATH = f"/api/v1/sites/{SITE}/configuration"
pytestmark = pytest.mark.usefixtures("receipts")


def text(note: str, cameras: str = "gate", site: str = SITE) -> str:
    return f"# {note}\nversion: 1\nsite: {site}\ncameras: {{{cameras}: {{source: 'usb:0'}}}}\n"


def agent(service: Service) -> None:
    def compile_site(config: SiteConfig) -> None:
        if "unrunnable" in config.cameras:
            raise Rejected("camera unrunnable cannot be run")

    run_agent(service, compile_site)


@pytest.fixture
def api(url: str, owner: Account) -> Client:
    return Client(base_url=url, headers=owner.key, timeout=30)


def latest(api: Client) -> int:
    answer = api.get(PATH)
    return int(answer.json()["number"]) if answer.status_code == 200 else 0


def saved(api: Client, body: str) -> dict[str, Any]:
    tag = f'"{latest(api)}"'
    answer = api.put(PATH, json={"text": body, "note": "why"}, headers={"If-Match": tag})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def published(api: Client, version: int) -> dict[str, Any]:
    answer = api.post(f"{PATH}/publications", json={"version": version})
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


def state(api: Client) -> dict[str, Any]:
    answer = api.get(f"{PATH}/state")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def settled(api: Client) -> dict[str, Any]:
    """Return the state once the site has answered what was published last."""

    def look() -> dict[str, Any] | None:
        found = state(api)
        return None if found["published"]["state"] == "waiting" else found

    return eventually(look)


def problem(answer: Response, status: int, kind: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:sightline:problem:{kind}"
    return dict(answer.json())


def test_versions_are_saved_one_after_the_other_and_compared(api: Client) -> None:
    first = saved(api, text("one"))
    again = api.put(PATH, json={"text": text("one")}, headers={"If-Match": f'"{first["number"]}"'})
    assert again.json()["number"] == first["number"], "the same text makes no new version"
    second = saved(api, text("two", cameras="yard"))
    assert second["number"] == first["number"] + 1
    assert second["sha256"] == digest(text("two", cameras="yard"))
    head = api.get(PATH)
    assert head.headers["etag"] == f'"{second["number"]}"'
    assert (head.json()["text"], head.json()["note"]) == (text("two", cameras="yard"), "why")
    assert api.get(PATH, headers={"If-None-Match": head.headers["etag"]}).status_code == 304
    one = api.get(f"{PATH}/versions/{first['number']}").json()
    assert one["text"] == text("one") and one["saved_at"] <= head.json()["saved_at"]
    listed = api.get(f"{PATH}/versions?limit=1").json()
    assert [item["number"] for item in listed["items"]] == [second["number"]]
    following = api.get(listed["next"]).json()
    assert following["items"][0]["number"] == first["number"]
    found = api.get(f"{PATH}/differences?before={first['number']}&after={second['number']}").json()
    changes = {(one["change"], ".".join(one["path"])) for one in found["differences"]}
    assert changes == {("removed", "cameras.gate"), ("added", "cameras.yard")}


def test_whoever_was_slower_is_told_and_nothing_is_lost(api: Client) -> None:
    number = saved(api, text("common ground"))["number"]
    tag = {"If-Match": f'"{number}"'}

    def save(writer: int) -> int:
        return api.put(PATH, json={"text": text(f"of {writer}")}, headers=tag).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(save, range(8)))
    assert answers == [200] + [412] * 7
    assert latest(api) == number + 1
    problem(api.put(PATH, json={"text": text("x")}, headers=tag), 412, "stale-version")
    problem(api.put(PATH, json={"text": text("x")}), 428, "precondition-required")

    def overwrite(writer: int) -> int:
        body = {"text": text(f"whatever {writer}")}
        return api.put(PATH, json=body, headers={"If-Match": "*"}).status_code

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(overwrite, range(4))) == [200] * 4
    assert latest(api) == number + 5


def test_every_fault_is_told_at_once_and_nothing_is_saved(api: Client) -> None:
    before = latest(api)
    bad = f"version: 1\nsite: {SITE}\ntimezone: Nowhere\ncameras: {{gate: {{source: x, fps: 0}}}}\n"
    told = problem(
        api.put(PATH, json={"text": bad}, headers={"If-Match": "*"}), 422, "bad-configuration"
    )
    faults = {one["where"]: one for one in told["errors"]}
    assert {"timezone", "cameras.gate.fps"} <= faults.keys()
    assert faults["cameras.gate.fps"]["line"] == 4 and faults["cameras.gate.fps"]["allowed"]
    checked = api.post(f"{PATH}/check", json={"text": bad}).json()
    assert not checked["ok"] and checked["faults"] == told["errors"]
    assert api.post(f"{PATH}/check", json={"text": text("fine")}).json() == {
        "ok": True,
        "faults": [],
    }
    other = api.post(f"{PATH}/check", json={"text": text("for another", site="other")}).json()
    assert other["faults"][0]["where"] == "site"
    assert latest(api) == before


@pytest.mark.parametrize(
    "body",
    [
        text("").replace("usb:0", "rtsp://eve:secret-word@10.0.0.1/stream"),
        text("").replace("usb:0", "http://10.0.0.1/stream?password=secret-word"),
        text("").replace("'usb:0'", "'usb:0', credentials: {username: eve, password: secret-word}"),
    ],
)
def test_passwords_are_refused_and_never_repeated(api: Client, body: str) -> None:
    answer = api.put(PATH, json={"text": body}, headers={"If-Match": "*"})
    problem(answer, 422, "bad-configuration")
    assert "secret-word" not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        {"text": "a\x00b"},
        {"text": "\ud800"},
        {"text": "x" * 1_000_001},
        {"text": "[" * 1000},
        {"text": "&a [*a, *a]"},
        {"text": 7},
        {},
        {"text": text("fine"), "note": "\x00"},
        {"text": text("fine"), "note": "x" * 10_001},
    ],
)
def test_odd_texts_are_refused(api: Client, body: dict[str, Any]) -> None:
    # ASCII alone: httpx would not send half a character.
    content = json.dumps(body)
    headers = {"If-Match": "*", "Content-Type": "application/json"}
    answer = api.put(PATH, content=content, headers=headers)
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("version", [0, -1, 2**31, 10**30, "one", None, 1.5])
def test_odd_numbers_are_refused(api: Client, version: Any) -> None:
    assert api.post(f"{PATH}/publications", json={"version": version}).status_code == 422
    assert api.get(f"{PATH}/versions/{version}").status_code == 422


def test_a_version_is_published_applied_refused_and_rolled_back(api: Client, start: Start) -> None:
    good = saved(api, text("good"))["number"]
    waiting = published(api, good)
    assert waiting["published"]["version"] == good and not waiting["draft"]
    running = start(agent)
    applied = settled(api)
    assert applied["published"]["state"] == "applied"
    assert applied["running"]["version"] == good and applied["running"]["modes"] == []
    counted = applied["running"]["config_version"]

    bad = saved(api, text("bad", cameras="unrunnable"))["number"]
    assert state(api)["draft"]
    published(api, bad)
    refused = settled(api)
    assert refused["published"]["state"] == "refused"
    assert "cannot be run" in refused["published"]["faults"][0]["what"]
    assert (refused["running"]["version"], refused["running"]["config_version"]) == (good, counted)
    found = api.get(f"{PATH}/differences").json()
    assert (found["before"], found["after"]) == (good, bad)
    assert {one["change"] for one in found["differences"]} == {"added", "removed"}

    published(api, good)
    back = settled(api)
    assert back["published"]["state"] == "applied" and back["draft"]
    assert back["running"]["config_version"] == counted, "it ran all the time"
    sent = [item["version"] for item in api.get(f"{PATH}/publications").json()["items"]]
    assert sent[:3] == [good, bad, good]
    told = api.get(f"/api/v1/sites/{SITE}/receipts?kind=config").json()["items"]
    assert [(one["document"], one["status"]) for one in told] == [("site", "applied")]
    running.stop()


def test_a_repeat_publishes_once(api: Client, settings: Settings) -> None:
    version = saved(api, text("published once"))["number"]
    names = {"Idempotency-Key": f"publish-{version}"}

    def records() -> int:
        found = read_all(settings.cloud_kafka, config_topic(SITE))
        return sum(text("published once").encode() in (one.value or b"") for one in found)

    def send(_: int) -> Response:
        return api.post(f"{PATH}/publications", json={"version": version}, headers=names)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(send, range(4)))
    assert {one.status_code for one in answers} <= {202, 409}
    assert records() == 1
    assert published(api, version)["published"]["version"] == version
    assert records() == 2, "without a name it is sent again, which changes nothing at the site"
    sent = api.get(f"{PATH}/publications").json()["items"]
    assert [one["version"] for one in sent].count(version) == 1


def test_many_publishers_leave_one_order(api: Client, settings: Settings) -> None:
    versions = [saved(api, text(f"race {number}"))["number"] for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda version: published(api, version), versions))
    sent = [one["version"] for one in api.get(f"{PATH}/publications").json()["items"]][:4]
    newest = read_all(settings.cloud_kafka, config_topic(SITE))[-1].value or b""
    last = api.get(f"{PATH}/versions/{sent[0]}").json()["text"]
    assert last.encode() in newest, "what is noted last is what the site obeys"


def test_what_was_published_past_the_api_is_taken_in(
    api: Client, settings: Settings, start: Start
) -> None:
    before = latest(api)
    publish(settings.cloud_kafka, SITE, text("by hand"), author="mallory")
    start(agent)
    found = eventually(lambda: api.get(PATH).json()["number"] > before and api.get(PATH).json())
    assert (found["text"], found["author"]) == (text("by hand"), "mallory")
    assert settled(api)["running"]["version"] == found["number"]
    assert state(api)["published"]["author"] == "mallory"
    assert latest(api) == before + 1


def test_a_site_of_others_is_not_there(url: str, stranger: Account, api: Client) -> None:
    number = saved(api, text("ours alone"))["number"]
    theirs = Client(base_url=url, headers=stranger.key)
    for method, path, body in (
        ("GET", "", None),
        ("PUT", "", {"text": text("taken over")}),
        ("POST", "/check", {"text": text("x")}),
        ("GET", "/versions", None),
        ("GET", f"/versions/{number}", None),
        ("GET", "/differences", None),
        ("GET", "/state", None),
        ("GET", "/publications", None),
        ("POST", "/publications", {"version": number}),
    ):
        answer = theirs.request(method, PATH + path, json=body, headers={"If-Match": "*"})
        problem(answer, 404, "not-found")
    problem(theirs.get(f"/api/v1/sites/{SITE}/receipts"), 404, "not-found")
    assert latest(api) == number
    empty = theirs.get(f"/api/v1/sites/{FOREIGN_SITE}/configuration")
    problem(empty, 404, "not-found")
    first = theirs.put(
        f"/api/v1/sites/{FOREIGN_SITE}/configuration",
        json={"text": text("theirs", site=FOREIGN_SITE)},
        headers={"If-Match": '"0"'},
    )
    assert (first.status_code, first.json()["number"]) == (200, 1)


def test_roles_and_scopes(url: str, settings: Settings, owner: Account, api: Client) -> None:
    number = saved(api, text("for roles"))["number"]
    dsn = settings.postgres_dsn
    viewer = account(dsn, slug=owner.slug, role=Role.VIEWER)
    operator = account(dsn, slug=owner.slug, role=Role.OPERATOR)
    limited = account(dsn, slug=owner.slug, role=Role.ADMIN, sites=["depot-8"])
    reader = account(dsn, slug=owner.slug, permissions=[Permission.CONFIG_READ])

    def ask(who: Account, method: str, path: str, body: Any = None) -> int:
        headers = {**who.key, "If-Match": "*"}
        return httpx.request(method, url + PATH + path, json=body, headers=headers).status_code

    assert ask(viewer, "GET", "") == 403
    assert ask(operator, "GET", "") == 200
    assert ask(operator, "POST", "/publications", {"version": number}) == 403
    assert ask(reader, "PUT", "", {"text": text("no")}) == 403
    assert ask(limited, "GET", "") == 404
    assert ask(limited, "POST", "/publications", {"version": number}) == 404
    session = httpx.get(url + PATH, headers=operator.session)
    assert session.status_code == 200
