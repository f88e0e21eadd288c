"""RTSP over real sockets: our own small server, real footage, and what can go wrong."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from itertools import islice, pairwise

import pytest

from producers.sources.rtsp import RtspSource
from producers.sources.source import Packet, Picture
from schemas.errors import Rejected, Retryable, SightlineError
from schemas.site import Credentials
from tests.contract.producers import failing
from tests.fixtures import fixture
from tests.rtsp_server import Login, RtspServer

PASSWORD = "p@ss:w/rd 100%"
VIEWER = Credentials(username="viewer", password_env="GATE_PASSWORD")


def source(address: str, password: str | None = PASSWORD, *, packets: bool = False) -> RtspSource:
    environment = {} if password is None else {"GATE_PASSWORD": password}
    return RtspSource(
        *(address, VIEWER if password is not None else None, environment),
        packets=packets,
        open_timeout_s=5,
        read_timeout_s=1,
    )


@pytest.fixture(params=["digest", "basic"])
def server(request: pytest.FixtureRequest) -> Iterator[RtspServer]:
    login: Login = request.param
    films = {
        "gate": fixture("videos/vtest_480x360_10fps.mp4"),
        "yard": fixture("videos/car-detection.mp4"),
    }
    with RtspServer(films, password=PASSWORD, login=login) as running:
        yield running


def opened(address: str, *, packets: bool = False) -> RtspSource:
    made = source(address, packets=packets)
    made.open()
    return made


@pytest.mark.parametrize("name", ["gate", "yard"])
def test_pictures_come_with_rising_exact_times(server: RtspServer, name: str) -> None:
    camera = opened(server.address(name))
    try:
        pictures = [one for one in islice(camera, 12) if isinstance(one, Picture)]
    finally:
        camera.close()
    times = [one.pts_ms for one in pictures]
    assert {after - before for before, after in pairwise(times)} == {100 if name == "gate" else 80}
    assert pictures[-1].image().std() > 10


def test_the_cameras_own_packets_begin_with_the_key_frame(server: RtspServer) -> None:
    camera = opened(server.address("yard"), packets=True)
    try:
        items = list(islice(camera, 16))
        facts = camera.facts()
    finally:
        camera.close()
    packets = [one for one in items if isinstance(one, Packet)]
    assert packets[0].key_frame
    assert [one.dts - packets[0].dts for one in packets] == [7200 * n for n in range(len(packets))]
    assert facts is not None
    assert (facts.codec, facts.width, facts.height) == ("h264", 768, 432)
    assert facts.extradata


def failure(camera: RtspSource) -> SightlineError:
    return failing.failure(camera, PASSWORD, "p%40ss", "wrong-one")


def test_a_wrong_password_is_refused_and_appears_nowhere(server: RtspServer) -> None:
    error = failure(source(server.address("gate"), "wrong-one"))
    assert isinstance(error, Rejected)
    assert error.reason == "wrong-password"
    assert f"{server.address('gate')} refuses the login: check `username`" in str(error)


def test_a_camera_that_wants_a_login_says_so(server: RtspServer) -> None:
    error = failure(source(server.address("gate"), None))
    assert "give the camera `credentials`" in str(error)


def test_an_unknown_path_is_not_found(server: RtspServer) -> None:
    error = failure(source(server.address("attic")))
    assert isinstance(error, Retryable)
    assert "attic is not found" in str(error)


def test_a_closed_port_refuses() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        error = failure(source(f"rtsp://127.0.0.1:{closed.getsockname()[1]}/gate"))
    assert isinstance(error, Retryable)
    assert "refuses the connection" in str(error)


def test_a_host_that_takes_the_connection_and_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"rtsp://127.0.0.1:{mute.getsockname()[1]}/gate"
        silent = RtspSource(address, VIEWER, {"GATE_PASSWORD": PASSWORD}, open_timeout_s=0.5)
        error = failure(silent)
    assert isinstance(error, Retryable)
    assert "fell silent or does not answer" in str(error)


def test_a_camera_that_goes_away_ends_and_can_be_opened_again(server: RtspServer) -> None:
    camera = opened(server.address("gate"))
    items = iter(camera)
    assert isinstance(next(items), Picture)
    server.set("gate", "down")
    # The end of a live source is a disconnection; no error tells of it.
    rest = list(items)
    camera.close()
    assert len(rest) < 700
    assert failure(source(server.address("gate"))).args[0].count("not found")
    server.set("gate", "up")
    again = opened(server.address("gate"))
    assert isinstance(next(iter(again)), Picture)
    again.close()


def test_a_camera_that_falls_silent_is_given_up(server: RtspServer) -> None:
    camera = opened(server.address("gate"))
    items = iter(camera)
    next(items)
    server.set("gate", "silent")
    with pytest.raises(Retryable, match="fell silent"):
        list(items)
    camera.close()


def test_the_other_camera_of_a_server_goes_on(server: RtspServer) -> None:
    camera = opened(server.address("yard"))
    items = iter(camera)
    next(items)
    server.set("gate", "down")
    assert len(list(islice(items, 5))) == 5
    camera.close()
    assert not any("camera" in thread.name for thread in threading.enumerate())
