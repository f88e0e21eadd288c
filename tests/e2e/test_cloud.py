"""The cloud as its users meet it: footage at the site, and what the API, streams and hooks say."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from consumers.access.permissions import Role
from consumers.client import Sightline
from consumers.store.owning import HOME
from schemas.records import Frame
from tests import pets
from tests.product import Product

CAMERA = "for-the-cloud"
SECRET = "a secret of the hook, long enough"


class Hook:
    """A system that is told of events."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        told = self.told

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/events"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Cloud:
    """The API with a key that may everything, and what a stream and a hook heard of the footage."""

    def __init__(self, product: Product) -> None:
        self.product = product
        told = product.cli("keys", "create", HOME, "--name", "e2e", "--role", Role.OWNER)
        self.key = told.split()[-1]
        self.api = Sightline(product.ends.api_url, self.key)
        self.http = httpx.Client(
            base_url=product.ends.api_url,
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=30,
        )
        self.hook = Hook()
        self.heard: list[Any] = []
        self._following = threading.Thread(target=self._follow, daemon=True)

    def start(self) -> None:
        """Route the footage's events to the hook, and listen to the stream."""
        target = {
            "name": "hook",
            "settings": {"kind": "webhook", "url": self.hook.url, "secret": SECRET},
        }
        made = self.http.post("/api/v1/notifications/targets", json=target)
        assert made.status_code == 201, made.text
        route = {"name": "all", "targets": [made.json()["target_id"]]}
        routed = self.http.post("/api/v1/notifications/routes", json=route)
        assert routed.status_code == 201, routed.text
        self._following.start()
        self.product.wait("the stream is open", lambda: bool(self.heard))

    def close(self) -> None:
        self.http.close()
        self.api.close()
        self.hook.close()
        self._following.join(10)

    def _follow(self) -> None:
        # It goes on until the client is closed beneath it.
        with suppress(RuntimeError, httpx.HTTPError):
            for message in self.api.follow():
                self.heard.append(message)

    def events_heard(self) -> list[tuple[str, int]]:
        """Return what the stream told of the camera's events: id and revision."""
        bodies = [message.data for message in self.heard if message.kind == "event"]
        return [(e["event_id"], e["revision"]) for e in bodies if e["camera"] == CAMERA]


@pytest.fixture(scope="module")
def cloud(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    cloud = Cloud(product)
    try:
        cloud.start()
        text = pets.site_yaml({CAMERA: "max"})
        product.apply(text, tmp_path_factory.mktemp("site"), local=True)
        product.finish(CAMERA)
        yield cloud
    finally:
        cloud.close()


def test_the_api_lists_the_events_of_the_site(cloud: Cloud) -> None:
    found = list(cloud.api.events(camera=[f"{pets.SITE}/{CAMERA}"]))
    local = cloud.product.local_events(CAMERA)
    assert {event.event_id for event in found} == {event["event_id"] for event in local}
    assert found == sorted(found, key=lambda event: event.opened_at, reverse=True)


def test_the_stream_told_every_change_once(cloud: Cloud) -> None:
    rows = cloud.product.rows(
        "SELECT event_id, revision FROM event_changes WHERE camera = %s", CAMERA
    )
    expected = {(row["event_id"], row["revision"]) for row in rows}
    cloud.product.wait("the stream has told all", lambda: set(cloud.events_heard()) == expected)
    assert len(cloud.events_heard()) == len(expected)


def test_the_hook_was_told_of_each_event_once(cloud: Cloud) -> None:
    events = {event.event_id for event in cloud.api.events(camera=[f"{pets.SITE}/{CAMERA}"])}

    def opened() -> list[str]:
        data = [one["data"] for one in cloud.hook.told]
        return [
            one["event"]["event_id"]
            for one in data
            if one["event"]["camera"] == CAMERA and one["event"]["state"] == "opened"
        ]

    cloud.product.wait("the hook knows them all", lambda: set(opened()) == events)
    assert len(opened()) == len(events)


def test_a_picture_opens_by_its_link(cloud: Cloud) -> None:
    def pictured() -> Any:
        found = cloud.api.evidence(camera=[f"{pets.SITE}/{CAMERA}"], kind=["snapshot"])
        return next(iter(found), None)

    evidence = cloud.product.wait("a picture is stored", pictured)
    linked = httpx.get(cloud.api.evidence_link(evidence.evidence_id).url)
    assert linked.content == cloud.api.evidence_content(evidence.evidence_id)
    assert linked.content.startswith(b"\xff\xd8")


def test_an_operators_word_reaches_the_site_and_comes_back(cloud: Cloud) -> None:
    event = next(cloud.api.events(camera=[f"{pets.SITE}/{CAMERA}"]))
    cloud.api.change_handling(event.event_id, None, label="false")

    def heard() -> bool:
        details = cloud.api.event(event.event_id)
        told = [word.receipt for word in details.words]
        return told == ["applied"] and {c.verdict for c in details.candidates} == {"suppressed"}

    cloud.product.wait("the site has taken the word in", heard)


def test_counts_are_those_of_the_footage(cloud: Cloud) -> None:
    since = min(e.opened_at for e in cloud.api.events(camera=[f"{pets.SITE}/{CAMERA}"]))

    def counted() -> bool:
        # Counts of the last minute may still be on their way.
        (row,) = cloud.product.rows(
            "SELECT sum(forward)::int AS forward, sum(backward)::int AS backward FROM counts "
            "WHERE camera = %s",
            CAMERA,
        )
        day = since.replace(hour=0, minute=0, second=0, microsecond=0)
        found = [
            count for count in cloud.api.counts(pets.SITE, day, camera=[CAMERA], bucket="hour")
        ]
        sums = (sum(c.forward for c in found), sum(c.backward for c in found))
        return sums == (row["forward"], row["backward"]) and sum(sums) > 0

    cloud.product.wait("the hours are summed up", counted)


def test_a_camera_is_seen_live_for_as_long_as_asked(cloud: Cloud, tmp_path: Path) -> None:
    live = "seen-live"
    cloud.product.apply(pets.site_yaml({live: "real"}), tmp_path, local=True)
    cloud.product.wait(
        "the camera runs",
        lambda: cloud.product.rows(
            "SELECT 1 FROM health WHERE name = %s AND state = 'online'", live
        ),
    )
    asked = cloud.http.post(f"/api/v1/cameras/{pets.SITE}/{live}/live", json={"seconds": 5})
    assert asked.is_success, asked.text
    picture = cloud.http.get(f"/api/v1/cameras/{pets.SITE}/{live}/live.jpg")
    assert picture.content.startswith(b"\xff\xd8")
    shown = [r for r in cloud.product.records("up.live", Frame) if r.camera == live]
    assert 0 < len(shown) <= 5 * 5 + 1
