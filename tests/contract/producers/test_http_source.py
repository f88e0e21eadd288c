"""Cameras over HTTP: MJPEG and single pictures, of our own small server and of ipycam."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest

from producers.sources.http import LEAST_RATE, HttpSource
from producers.sources.source import Packet, Picture
from schemas.errors import Rejected, Retryable
from schemas.site import Credentials
from tests.certificates import write_certificate
from tests.contract.producers.failing import failure
from tests.http_camera import HttpCamera, drawn
from tests.ipycam_process import onvif_camera

PASSWORD = "p@ss:w/rd 100%"
VIEWER = Credentials(username="viewer", password_env="GATE_PASSWORD")


def source(address: str, password: str | None = PASSWORD, **more: Any) -> HttpSource:
    environment = {} if password is None else {"GATE_PASSWORD": password}
    settings: dict[str, Any] = {"rate": Fraction(20), "open_timeout_s": 5, "read_timeout_s": 2}
    return HttpSource(
        address, None if password is None else VIEWER, environment, **(settings | more)
    )


@pytest.fixture(params=["digest", "basic"])
def camera(request: pytest.FixtureRequest) -> Iterator[HttpCamera]:
    with HttpCamera(drawn(), password=PASSWORD, login=request.param) as running:
        yield running


def first(opened: HttpSource, count: int) -> list[Packet | Picture]:
    """Return the first items of a source, whose pictures are there until the next is read."""
    opened.open()
    try:
        return list(islice(opened, count))
    finally:
        opened.close()


@pytest.mark.parametrize("path", ["/stream", "/bare", "/picture"])
def test_pictures_come_whole_in_order_with_rising_times(camera: HttpCamera, path: str) -> None:
    pictures = first(source(camera.address(path)), 8)
    assert all(isinstance(one, Picture) for one in pictures)
    images = [one.image() for one in pictures if isinstance(one, Picture)]
    greys = [round(float(image[120, 160].mean()) / 20) for image in images]
    assert [(after - before) % 10 for before, after in pairwise(greys)] == [1] * 7
    assert images[0].shape == (240, 320, 3)
    times = [one.pts_ms for one in pictures if isinstance(one, Picture)]
    assert all(before < after for before, after in pairwise(times))


@pytest.mark.parametrize("path", ["/stream", "/picture"])
def test_the_jpegs_themselves_are_the_packets(camera: HttpCamera, path: str) -> None:
    opened = source(camera.address(path), packets=True)
    items = first(opened, 6)
    facts = opened.facts()
    packets = [one for one in items if isinstance(one, Packet)]
    assert len(packets) == 3
    assert all(one.key_frame and one.data in drawn() for one in packets)
    assert facts is not None
    assert (facts.codec, facts.width, facts.height) == ("mjpeg", 320, 240)


@pytest.mark.parametrize("path", ["/stream.mjpeg", "/snapshot.jpg"])
def test_a_camera_that_we_have_not_written(path: str) -> None:
    with onvif_camera(PASSWORD, 554) as host:
        *_, last = first(source(f"http://{host}{path}"), 5)
        assert isinstance(last, Picture)
        image = last.image()
        assert image.shape == (240, 320, 3)
        assert image[120, 160].mean() == pytest.approx(200, abs=3)
        error = failure(source(f"http://{host}{path}", "wrong-one"), PASSWORD, "wrong-one")
        assert error.reason == "wrong-password" if isinstance(error, Rejected) else False


def test_single_pictures_are_asked_for_at_whole_intervals(camera: HttpCamera) -> None:
    """At 30 a second, where an interval is no whole number of ms: the sampler misses none."""
    pictures = first(source(camera.address("/picture"), rate=Fraction(30)), 6)
    for picture in pictures:
        assert isinstance(picture, Picture)
        slot = picture.pts_ms * 30 // 1000
        assert 0 <= picture.pts_ms - slot * 1000 / 30 < 1


def test_what_cannot_be_decoded_is_passed_over() -> None:
    good = drawn(3)
    with HttpCamera([good[0], b"no picture", good[1][:-200], good[2]]) as camera:
        opened = source(camera.address("/stream"), None)
        pictures = first(opened, 4)
        assert len(pictures) == 4
        assert opened.report().damaged_packets >= 2


def test_a_camera_that_sends_nothing_else_is_refused() -> None:
    with HttpCamera([b"no picture"], interval_s=0.001) as camera:
        opened = source(camera.address("/stream"), None)
        opened.open()
        with pytest.raises(Rejected, match="no pictures that can be decoded") as refused:
            next(iter(opened))
        opened.close()
    assert refused.value.reason == "unreadable"


def test_a_picture_that_is_too_large_is_refused() -> None:
    huge = b"\xff\xd8" + bytes(10_000_001)
    with HttpCamera([huge]) as camera:
        for path in ("/stream", "/bare", "/picture"):
            opened = source(camera.address(path), None)
            opened.open()
            with pytest.raises(Rejected, match="more than 10 MB") as refused:
                next(iter(opened))
            opened.close()
            assert camera.address(path) in str(refused.value)


def test_a_wrong_password_is_refused_and_appears_nowhere(camera: HttpCamera) -> None:
    error = failure(source(camera.address("/stream"), "wrong-one"), PASSWORD, "wrong-one")
    assert isinstance(error, Rejected) and error.reason == "wrong-password"
    assert f"{camera.address('/stream')} refuses the login: check `username`" in str(error)


def test_a_camera_that_wants_a_login_says_so(camera: HttpCamera) -> None:
    error = failure(source(camera.address("/stream"), None), PASSWORD)
    assert "give the camera `credentials`" in str(error)


@pytest.mark.parametrize(
    ("path", "kind", "told"),
    [
        ("/page", Rejected, "sends text/html, neither JPEG pictures nor a stream of them"),
        ("/attic", Retryable, "/attic is not found"),
        ("/moved", Rejected, "redirects to https://gate.example/live: give"),
    ],
)
def test_an_address_without_pictures_says_what_is_there(
    camera: HttpCamera, path: str, kind: type[Exception], told: str
) -> None:
    error = failure(source(camera.address(path)), PASSWORD, "s3cret")
    assert isinstance(error, kind)
    assert told in str(error)


def test_a_closed_port_refuses() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        error = failure(source(f"http://127.0.0.1:{closed.getsockname()[1]}/stream"))
    assert isinstance(error, Retryable)
    assert "refuses the connection" in str(error)


def test_an_unknown_host_is_not_reachable() -> None:
    error = failure(source("http://no-such-camera.invalid/stream"))
    assert isinstance(error, Retryable)
    assert "is not reachable" in str(error)


def test_something_else_than_http_is_told_of() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def greet() -> None:
            connection, _ = other.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"220 ftp ready\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        error = failure(source(f"http://127.0.0.1:{other.getsockname()[1]}/stream"))
        thread.join()
    assert isinstance(error, Retryable)
    assert "does not answer as HTTP" in str(error)


@pytest.mark.parametrize("path", ["/stream", "/picture"])
def test_a_camera_that_falls_silent_is_given_up(camera: HttpCamera, path: str) -> None:
    opened = source(camera.address(path))
    opened.open()
    items = iter(opened)
    next(items)
    camera.silent.set()
    with pytest.raises(Retryable, match="fell silent"):
        list(items)
    opened.close()


def test_a_camera_that_is_busy_for_a_moment_is_not_lost(camera: HttpCamera) -> None:
    opened = source(camera.address("/picture"))
    opened.open()
    items = iter(opened)
    before = [next(items) for _ in range(3)][-1]
    camera.busy.set()
    threading.Timer(0.4, camera.busy.clear).start()
    after = next(items)
    assert isinstance(before, Picture) and isinstance(after, Picture)
    assert after.pts_ms - before.pts_ms >= 300
    camera.busy.set()
    with pytest.raises(Retryable, match="answers with status 503"):
        next(items)
    opened.close()


def test_a_stream_that_ends_ends_quietly(camera: HttpCamera) -> None:
    opened = source(camera.address("/stream"))
    opened.open()
    items = iter(opened)
    next(items)
    camera.ending.set()
    assert len(list(items)) < 100
    opened.close()


def test_a_proxy_of_the_internet_is_not_asked(
    camera: HttpCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert first(source(camera.address("/stream")), 1)


def test_a_picture_is_asked_for_often_enough_to_see_that_the_camera_is_there() -> None:
    with HttpCamera(drawn(3)) as camera:
        opened = source(camera.address("/picture"), None, rate=Fraction(1, 60))
        assert opened._rate == LEAST_RATE
        assert isinstance(first(opened, 1)[0], Picture)


def test_a_certificate_must_be_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_certificate(tmp_path)
    with HttpCamera(drawn(3), tls=tmp_path) as camera:
        error = failure(source(camera.address("/stream"), None))
        assert isinstance(error, Rejected) and error.reason == "untrusted-certificate"
        assert "set SSL_CERT_FILE" in str(error)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
        assert isinstance(first(source(camera.address("/stream"), None), 1)[0], Picture)
