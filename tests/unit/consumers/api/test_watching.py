from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client import REGISTRY
from pydantic import BaseModel
from structlog.testing import capture_logs

from consumers.api import problems, watching
from consumers.api.app import Api
from consumers.api.watching import Watched


class Thing(BaseModel):
    name: str


@pytest.fixture
def http() -> Iterator[TestClient]:
    app = Api(max_body_size=1000)
    problems.install(app)

    @app.get("/things/{name}")
    async def get_thing(name: str) -> Thing:
        if name == "broken":
            raise RuntimeError("a secret of ours")
        return Thing(name=name)

    @app.post("/things")
    async def make_thing(thing: Thing) -> Thing:
        return thing

    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def seen(route: str, status: str, method: str = "GET") -> float:
    labels = {"method": method, "route": route, "status": status}
    return REGISTRY.get_sample_value("sightline_http_seconds_count", labels) or 0.0


def test_requests_are_counted_by_the_route_not_by_what_clients_invent(http: TestClient) -> None:
    before = seen("/things/{name}", "200")
    for name in ("a", "b"):
        http.get(f"/things/{name}")
    assert seen("/things/{name}", "200") == before + 2
    nowhere = seen("none", "404")
    http.get("/nowhere/else")
    assert seen("none", "404") == nowhere + 1


def test_the_log_tells_no_path_and_no_query(http: TestClient) -> None:
    with capture_logs() as lines:
        http.get("/things/of-mine?token=secret")
    [line] = [line for line in lines if line["event"] == "request"]
    assert (line["route"], line["status"]) == ("/things/{name}", 200)
    assert "secret" not in str(line) and "of-mine" not in str(line)


def test_answers_carry_what_protects_browsers(http: TestClient) -> None:
    headers = http.get("/things/a").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize("chunked", [False, True])
def test_too_large_a_body_is_a_problem(http: TestClient, chunked: bool) -> None:
    body = b'{"name": "' + b"x" * 2000 + b'"}'
    content: Any = iter([body[:500], body[500:]]) if chunked else body
    headers = {"Content-Type": "application/json"}
    answer = http.post("/things", content=content, headers=headers)
    assert answer.status_code == 413
    assert answer.headers["Content-Type"] == problems.MEDIA_TYPE
    assert answer.json()["status"] == 413


def test_a_fault_of_ours_tells_nothing_of_us(http: TestClient) -> None:
    answer = http.get("/things/broken")
    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == problems.MEDIA_TYPE
    assert "secret" not in answer.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_client_that_stops_sending_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "BODY_WAIT_S", 0.01)
    told: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        told.append((await receive())["type"])
        told.append((await receive())["type"])

    messages = [{"type": "http.request", "body": b"a", "more_body": True}]

    async def receive() -> Any:
        if messages:
            return messages.pop()
        await asyncio.sleep(60)

    async def send(message: Any) -> None: ...

    scope = {"type": "http", "method": "POST"}
    asyncio.run(Watched(app)(scope, receive, send))
    assert told == ["http.request", "http.disconnect"]
