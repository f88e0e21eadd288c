"""The registry's read paths, without any store."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import Response

from consumers.api.routes.schema_registry import MEDIA_TYPE, router
from schemas.files import schema_text
from schemas.records import SCHEMA_IDS, Event, Track

EVENT = SCHEMA_IDS[Event]


@pytest.fixture(scope="module")
def client() -> TestClient:
    app = FastAPI()
    app.include_router(router)
    return TestClient(app)


def body(answer: Response, status: int = 200) -> Any:
    assert (answer.status_code, answer.headers["content-type"]) == (status, MEDIA_TYPE)
    return answer.json()


def test_a_schema_is_found_by_its_id(client: TestClient) -> None:
    found = body(client.get(f"/schemas/ids/{EVENT}?subject=up.events-value"))
    assert found["schemaType"] == "AVRO"
    assert json.loads(found["schema"]) == json.loads(schema_text(EVENT))
    places = body(client.get(f"/schemas/ids/{EVENT}/versions"))
    assert {"subject": "sightline.Event", "version": 1} in places
    one = body(client.get(f"/schemas/ids/{EVENT}/versions?subject=sightline.Event"))
    assert one == [{"subject": "sightline.Event", "version": 1}]
    assert body(client.get("/schemas/types")) == ["AVRO"]


def test_subjects_and_their_versions(client: TestClient) -> None:
    names = body(client.get("/subjects"))
    assert "up.tracks-value" in names and names == sorted(names)
    assert body(client.get("/subjects?subjectPrefix=up.ev&limit=1&offset=1")) == [
        "up.evidence-value"
    ]
    assert body(client.get("/subjects/up.tracks-value/versions")) == [1]
    latest = body(client.get("/subjects/up.tracks-value/versions/latest"))
    assert latest == body(client.get("/subjects/up.tracks-value/versions/1"))
    assert (latest["id"], latest["version"]) == (SCHEMA_IDS[Track], 1)
    assert body(client.get("/config")) == {"compatibilityLevel": "FULL_TRANSITIVE"}


def test_a_schema_is_looked_up_whatever_its_layout(client: TestClient) -> None:
    spaced = json.dumps(json.loads(schema_text(EVENT)), indent=4)
    found = body(client.post("/subjects/up.events-value?normalize=False", json={"schema": spaced}))
    assert (found["subject"], found["id"], found["version"]) == ("up.events-value", EVENT, 1)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/schemas/ids/9999", 404, 40403),
        ("/schemas/ids/x", 404, 40403),
        ("/schemas/ids/٣", 404, 40403),
        (f"/schemas/ids/{10**40}", 404, 40403),
        ("/schemas/ids/9999/versions", 404, 40403),
        ("/subjects/none/versions", 404, 40401),
        ("/subjects/none/versions/1", 404, 40401),
        ("/subjects/a%00b/versions/latest", 404, 40401),
        ("/subjects/up.events-value/versions/2", 404, 40402),
        ("/subjects/up.events-value/versions/0", 422, 42202),
        ("/subjects/up.events-value/versions/newest", 422, 42202),
        ("/subjects?limit=many", 422, 422),
    ],
)
def test_errors_are_those_of_the_registry(
    client: TestClient, path: str, status: int, code: int
) -> None:
    found = body(client.get(path), status)
    assert found["error_code"] == code and found["message"]


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"schema": '{"type": "string"}'}, 404, 40403),
        ({"schema": "no json"}, 422, 42201),
        ({"schema": "[" * 100_000}, 422, 42201),
        ({}, 422, 422),
        ({"schema": 7}, 422, 422),
    ],
)
def test_what_is_no_schema_of_ours_is_not_found(
    client: TestClient, asked: dict[str, Any], status: int, code: int
) -> None:
    found = body(client.post("/subjects/up.events-value", json=asked), status)
    assert found["error_code"] == code
    assert body(client.post("/subjects/none", json={"schema": "{}"}), 404)["error_code"] == 40401


@pytest.mark.parametrize("content", [b"E\x1cF\xff\xfe", b"{", b"", b'"text"'])
def test_a_body_that_is_no_json_is_refused_in_the_registry_s_words(
    client: TestClient, content: bytes
) -> None:
    headers = {"Content-Type": "application/json"}
    answer = client.post("/subjects/up.events-value", content=content, headers=headers)
    assert body(answer, 422)["error_code"] == 422
