"""ONVIF against a camera that we have not written; its streams come from our RTSP server."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import islice
from threading import Thread
from typing import Any

import pytest

from producers.sources.onvif import OnvifSource
from producers.sources.source import Packet, Picture
from schemas.errors import Rejected, Retryable
from schemas.site import Credentials
from tests.contract.producers.failing import failure
from tests.fixtures import fixture
from tests.ipycam_process import onvif_camera
from tests.rtsp_server import RtspServer

PASSWORD = "p@ss:w/rd 100%"
VIEWER = Credentials(username="viewer", password_env="GATE_PASSWORD")
SIZES = {0: (480, 360), 1: (768, 432)}
"""Of the films behind the two profiles."""


@pytest.fixture(scope="module")
def streams() -> Iterator[RtspServer]:
    films = {
        "video_main": fixture("videos/vtest_480x360_10fps.mp4"),
        "video_sub": fixture("videos/car-detection.mp4"),
    }
    with RtspServer(films, password=PASSWORD) as server:
        yield server


@pytest.fixture(scope="module")
def camera(streams: RtspServer) -> Iterator[str]:
    with onvif_camera(PASSWORD, streams.port) as host:
        yield host


def source(host: str, password: str | None = PASSWORD, **more: Any) -> OnvifSource:
    environment = {} if password is None else {"GATE_PASSWORD": password}
    login = None if password is None else VIEWER
    return OnvifSource(host, more.pop("profile", 0), login, environment, timeout_s=5, **more)


@pytest.mark.parametrize("profile", SIZES)
def test_each_profile_is_the_stream_that_the_camera_names(camera: str, profile: int) -> None:
    opened = source(camera, profile=profile, packets=True)
    opened.open()
    try:
        items = list(islice(opened, 12))
        facts = opened.facts()
    finally:
        opened.close()
    width, height = SIZES[profile]
    pictures = [one for one in items if isinstance(one, Picture)]
    assert pictures[-1].image().shape == (height, width, 3)
    assert any(isinstance(one, Packet) and one.key_frame for one in items)
    assert facts is not None and (facts.codec, facts.width) == ("h264", width)


def test_a_profile_that_is_not_there_is_refused_with_those_that_are(camera: str) -> None:
    error = failure(source(camera, profile=7), PASSWORD)
    assert isinstance(error, Rejected) and error.reason == "no-profile"
    assert f"onvif://{camera} has no profile 7: there is 0 (" in str(error)
    assert "1 (" in str(error) and "?profile=N" in str(error)


def test_a_wrong_password_is_refused_and_appears_nowhere(camera: str) -> None:
    error = failure(source(camera, "wrong-one"), PASSWORD, "wrong-one")
    assert isinstance(error, Rejected) and error.reason == "wrong-password"
    assert f"onvif://{camera} refuses the login: check `username`" in str(error)


def test_a_camera_that_wants_a_login_says_so(camera: str) -> None:
    assert "give the camera `credentials`" in str(failure(source(camera, None), PASSWORD))


def test_a_stream_that_is_away_is_told_of_with_both_addresses(
    camera: str, streams: RtspServer
) -> None:
    streams.set("video_main", "down")
    try:
        error = failure(source(camera), PASSWORD)
    finally:
        streams.set("video_main", "up")
    assert isinstance(error, Retryable)
    where = f"onvif://{camera} (stream rtsp://127.0.0.1:{streams.port}/video_main)"
    assert f"{where} is not found" in str(error)


def test_a_closed_port_refuses() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        error = failure(source(f"127.0.0.1:{closed.getsockname()[1]}"), PASSWORD)
    assert isinstance(error, Retryable)
    assert "refuses the connection: check the port" in str(error)


def test_a_host_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        host = f"127.0.0.1:{mute.getsockname()[1]}"
        silent = OnvifSource(host, 0, None, {}, timeout_s=0.5)
        error = failure(silent, PASSWORD)
    assert isinstance(error, Retryable)
    assert "does not answer: check its power" in str(error)


def test_a_web_server_is_no_camera() -> None:
    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Page)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        error = failure(source(f"127.0.0.1:{server.server_port}"), PASSWORD)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert isinstance(error, Rejected | Retryable)
    assert "ONVIF" in str(error)


def test_an_unknown_host_is_not_reachable() -> None:
    error = failure(source("no-such-camera.invalid"), PASSWORD)
    assert isinstance(error, Retryable)
    assert "onvif://no-such-camera.invalid is not reachable" in str(error)
