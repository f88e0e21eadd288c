"""Live view from the request to the picture, through Kafka, the agent and a real capture."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import cv2
import httpx
import numpy as np
import psycopg
import pytest
from httpx import Client

from consumers.access.permissions import Role
from consumers.api.routes import live
from consumers.sync.live import LIVE_TOPIC, MAX_CAMERAS
from infra.runtime.kafka import read_all
from infra.runtime.settings import Settings
from producers.main import run_capture
from schemas.codec import decode_as
from schemas.records import Frame
from tests.access_helpers import Account, account
from tests.contract.api_documents.conftest import SITE, Start
from tests.contract.api_documents.test_configurations import agent, published, saved, settled
from tests.contract.consumers.consumer_parts import eventually

CAMERAS = ("hall", "porch", "masked", "roof", "dock")
MASKED = ", privacy: [[[0, 0], [0.5, 0], [0.5, 1], [0, 1]]]"
SITE_FILE = f"version: 1\nsite: {SITE}\ncameras:\n" + "".join(
    f"  {name}: {{source: 'synthetic:walkers', width: 160, fps: 5"
    f"{MASKED if name == 'masked' else ''}}}\n"
    for name in CAMERAS
)
pytestmark = pytest.mark.usefixtures("receipts")


@pytest.fixture
def api(url: str, owner: Account) -> Client:
    return Client(base_url=url, headers=owner.key, timeout=60)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "FIRST_S", 5.0)
    monkeypatch.setattr(live, "QUIET_S", 3.0)
    monkeypatch.setattr(live, "ASK_AGAIN_S", 0.2)


@pytest.fixture
def site(api: Client, start: Start, settings: Settings, owner: Account) -> Start:
    """The site runs its cameras; the start fixture, for another agent."""
    with psycopg.connect(settings.postgres_dsn) as connection:
        for camera in CAMERAS:
            connection.execute(
                "INSERT INTO cameras (site, camera, organisation_id) VALUES (%s, %s, %s) "
                "ON CONFLICT DO NOTHING",
                [SITE, camera, owner.organisation_id],
            )
    start(run_capture)
    published(api, saved(api, SITE_FILE)["number"])
    return start


def path(camera: str) -> str:
    return f"/api/v1/cameras/{SITE}/{camera}/live"


def asked(api: Client, camera: str, **wanted: int) -> dict[str, Any]:
    answer = api.post(path(camera), json=wanted)
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


def answered(api: Client, order: dict[str, Any]) -> dict[str, Any]:
    at = path(order["arguments"]["camera"])
    return dict(api.get(f"{at}/{order['command_id']}?wait_s=30").json())


def sent(settings: Settings, camera: str) -> list[Frame]:
    """Return what has gone up of a camera."""
    return [
        decode_as(Frame, message.value)
        for message in read_all(settings.cloud_kafka, LIVE_TOPIC)
        if message.key == f"{SITE}/{camera}"
    ]


def captured(settings: Settings, camera: str) -> int:
    return sum(one.key == camera for one in read_all(settings.edge_kafka, "frames"))


def pictures(answer: httpx.Response) -> Iterator[bytes]:
    """Yield the JPEGs of a stream as they come."""
    assert answer.status_code == 200, answer.read()
    assert answer.headers["content-type"] == "multipart/x-mixed-replace; boundary=frame"
    held = b""
    for piece in answer.iter_raw():
        held += piece
        while (head := re.match(rb"--frame\r\n(?:.+\r\n)*?Content-Length: (\d+)\r\n", held)) and (
            start := held.find(b"\r\n\r\n") + 4
        ) + int(head[1]) <= len(held):
            end = start + int(head[1])
            yield held[start:end]
            held = held[end:].removeprefix(b"\r\n")


def image(jpeg: bytes) -> Any:
    found = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert found is not None
    return found


def test_a_camera_is_shown_when_asked_for_and_ends_by_itself(
    api: Client, site: Start, settings: Settings
) -> None:
    site(agent)
    settled(api)
    eventually(lambda: captured(settings, "porch") > 3)
    assert sent(settings, "porch") == [], "nobody has asked"
    nothing = api.get(path("porch"))
    assert (nothing.status_code, nothing.json()["type"]) == (
        404,
        "urn:sightline:problem:no-picture",
    )

    order = asked(api, "porch", fps=2, seconds=4)
    granted = answered(api, order)
    assert granted["state"] == "applied" and granted["answer"]["until_at"] > order["issued_at"]
    assert api.get(f"{path('roof')}/{order['command_id']}").status_code == 404
    with api.stream("GET", path("porch")) as answer:
        shown = [image(jpeg).shape for jpeg in pictures(answer)]
    assert 2 <= len(shown) <= 2 * 4 + 2, "the stream ended by itself"
    assert len(set(shown)) == 1
    before = len(sent(settings, "porch"))
    assert before <= 2 * 4 + 2
    at = captured(settings, "porch")
    eventually(lambda: captured(settings, "porch") > at + 5)
    assert len(sent(settings, "porch")) == before, "nothing more goes up"
    assert sent(settings, "roof") == []


def test_a_restarted_agent_shows_what_is_still_asked_for(
    api: Client, site: Start, settings: Settings
) -> None:
    first = site(agent)
    settled(api)
    assert answered(api, asked(api, "hall", seconds=60))["state"] == "applied"
    eventually(lambda: len(sent(settings, "hall")) > 2)
    first.stop()
    before = len(sent(settings, "hall"))
    at = captured(settings, "hall")
    eventually(lambda: captured(settings, "hall") > at + 5)
    assert len(sent(settings, "hall")) == before
    site(agent)
    eventually(lambda: len(sent(settings, "hall")) > before + 2)
    found = sent(settings, "hall")
    assert len({one.captured_at for one in found}) == len(found), "none is sent twice"
    picture = api.get(path("hall") + ".jpg")
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    assert image(picture.content).shape[1] == 160
    assert (
        picture.headers["sightline-captured-at"] and picture.headers["cache-control"] == "no-store"
    )


def test_what_privacy_hides_stays_hidden(api: Client, site: Start, settings: Settings) -> None:
    site(agent)
    settled(api)
    asked(api, "masked", seconds=10)
    with api.stream("GET", path("masked")) as answer:
        shown = image(next(pictures(answer)))
    hidden, seen = shown[:, : shown.shape[1] // 2 - 8], shown[:, shown.shape[1] // 2 + 8 :]
    assert hidden.max() < 16 < seen.mean()


def test_only_a_few_at_once_and_the_others_are_told(
    api: Client, site: Start, settings: Settings
) -> None:
    site(agent)
    settled(api)
    states = [answered(api, asked(api, camera, seconds=5)) for camera in CAMERAS]
    refused = [one for one in states if one["state"] == "refused"]
    assert len(refused) >= len(CAMERAS) - MAX_CAMERAS
    assert "shown already" in refused[0]["answer"]["faults"][0]["what"]


def test_who_may_look(
    url: str, api: Client, site: Start, settings: Settings, owner: Account, stranger: Account
) -> None:
    dsn = settings.postgres_dsn
    viewer = account(dsn, slug=owner.slug, role=Role.VIEWER)
    elsewhere = account(dsn, slug=owner.slug, role=Role.OPERATOR, sites=["depot-8"])
    with psycopg.connect(dsn) as connection:
        (group,) = connection.execute(
            "INSERT INTO camera_groups (organisation_id, name) VALUES (%s, 'live') "
            "RETURNING group_id",
            [owner.organisation_id],
        ).fetchone() or (None,)
        connection.execute(
            "INSERT INTO camera_group_members VALUES (%s, %s, 'porch', %s)",
            [group, SITE, owner.organisation_id],
        )
    assert group is not None
    of_porch = account(dsn, slug=owner.slug, role=Role.OPERATOR, groups=[group])
    for who, camera, status in (
        (viewer, "porch", 403),
        (elsewhere, "porch", 404),
        (stranger, "porch", 404),
        (of_porch, "hall", 404),
        (owner, "attic", 404),
    ):
        theirs = Client(base_url=url, headers=who.key)
        assert theirs.post(path(camera)).status_code == status
        assert theirs.get(path(camera)).status_code == status
        assert theirs.get(path(camera) + ".jpg").status_code == status
    site(agent)
    assert Client(base_url=url, headers=of_porch.session).post(path("porch")).status_code == 202
    with httpx.stream("GET", url + path("porch"), headers=of_porch.session, timeout=60) as answer:
        coming = pictures(answer)
        next(coming)
        with psycopg.connect(dsn) as connection:
            connection.execute("DELETE FROM memberships WHERE user_id = %s", [of_porch.user_id])
        assert sum(1 for _ in coming) < 50, "whoever may no longer look sees no more"
    assert sent(settings, "porch"), "though the camera is still shown"


@pytest.mark.parametrize(
    "wanted",
    [{"fps": 6}, {"fps": 0}, {"fps": 1.5}, {"seconds": 61}, {"seconds": 10**30}, {"fps": "x"}, []],
)
def test_odd_wishes_are_refused(api: Client, wanted: Any) -> None:
    assert api.post(path("porch"), json=wanted).status_code == 422
    assert api.post(f"/api/v1/cameras/{SITE}/a%00b/live").status_code == 422


def test_a_reader_ends_when_nobody_looks_and_begins_again(
    api: Client, site: Start, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from consumers.documents import live_frames

    monkeypatch.setattr(live_frames, "LINGER_S", 0.0)
    site(agent)
    settled(api)
    for _ in range(3):
        asked(api, "porch", seconds=10)
        assert api.get(path("porch") + ".jpg").status_code == 200
        time.sleep(0.5)
