"""A part that is away gives 503 with Retry-After, soon, and never another error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from httpx import Client

from consumers.api import context, publishing
from consumers.documents import live_frames
from infra.runtime import following
from infra.runtime.settings import Settings
from tests.access_helpers import Account, serving
from tests.contract.api_documents.conftest import SITE

NOWHERE = "127.0.0.1:9"
TEXT = f"version: 1\nsite: {SITE}\ncameras: {{gate: {{source: 'usb:0'}}}}\n"
CONFIGURATION = f"/api/v1/sites/{SITE}/configuration"


@pytest.fixture(scope="module", autouse=True)
def impatient() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(context, "MONGO_TIMEOUT_MS", 500)
        patch.setattr(publishing, "ACKNOWLEDGED_WITHIN_S", 1.0)
        patch.setattr(live_frames, "TIMEOUT_S", 1.0)
        patch.setattr(following, "TIMEOUT_S", 1.0)
        yield


@pytest.fixture(scope="module")
def alone(settings: Settings, owner: Account) -> Iterator[Client]:
    """The API with nothing but its Postgres."""
    with psycopg.connect(settings.postgres_dsn) as connection:
        connection.execute(
            "INSERT INTO cameras (site, camera, organisation_id) VALUES (%s, 'gate', %s) "
            "ON CONFLICT DO NOTHING",
            [SITE, owner.organisation_id],
        )
    away = replace(settings, mongo_url=f"mongodb://{NOWHERE}/", cloud_kafka=NOWHERE)
    with serving(away) as url:
        yield Client(base_url=url, headers={**owner.key, "If-Match": "*"}, timeout=60)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", CONFIGURATION, None),
        ("PUT", CONFIGURATION, {"text": TEXT}),
        ("GET", f"{CONFIGURATION}/versions", None),
        ("POST", f"{CONFIGURATION}/publications", {"version": 1}),
        ("GET", f"/api/v1/sites/{SITE}/commands", None),
        ("POST", f"/api/v1/sites/{SITE}/commands/arm", {"mode": "home"}),
        ("GET", f"/api/v1/tracks/{SITE}/some", None),
        ("GET", f"/api/v1/cameras/{SITE}/gate/live", None),
        ("GET", f"/api/v1/cameras/{SITE}/gate/live.jpg", None),
        ("GET", "/api/v1/models/rollouts", None),
    ],
)
def test_it_is_to_be_tried_again(alone: Client, method: str, path: str, body: Any) -> None:
    answer = alone.request(method, path, json=body)
    assert answer.status_code == 503, answer.text
    assert answer.headers["retry-after"] and answer.json()["title"] == "Try again"
    assert NOWHERE not in answer.text


@pytest.mark.parametrize(
    "path",
    [f"/api/v1/sites/{SITE}/receipts", "/api/v1/models", "/subjects", "/api/v1/openapi.json"],
)
def test_what_needs_them_not_goes_on(alone: Client, path: str) -> None:
    assert alone.get(path).status_code == 200


def test_configurations_are_read_and_saved_while_kafka_is_away(
    settings: Settings, owner: Account
) -> None:
    headers = {**owner.key, "If-Match": "*"}
    with (
        serving(replace(settings, cloud_kafka=NOWHERE)) as url,
        Client(base_url=url, headers=headers, timeout=60) as api,
    ):
        saved = api.put(CONFIGURATION, json={"text": f"# without Kafka\n{TEXT}"})
        assert saved.status_code == 200, saved.text
        assert api.get(CONFIGURATION).json()["number"] == saved.json()["number"]
        body = {"version": saved.json()["number"]}
        assert api.post(f"{CONFIGURATION}/publications", json=body).status_code == 503
        state = api.get(f"{CONFIGURATION}/state").json()
        assert state["draft"], "it was not sent, and is not said to have been"
