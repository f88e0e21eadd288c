"""The API as a process of ours."""

from __future__ import annotations

import socket
from dataclasses import replace

import httpx
import pytest

from consumers.api.registry import STREAMS
from consumers.api.serve import run_api
from infra.runtime.service import Service
from infra.runtime.settings import Settings
from schemas.errors import Fatal
from tests.contract.consumers.consumer_parts import Running, eventually


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_it_listens_is_well_and_stops(settings: Settings, free_port: int) -> None:
    service = Service("api", replace(settings, listen=f"127.0.0.1:{free_port}"))
    running = Running(service, run_api)
    try:
        url = f"http://127.0.0.1:{free_port}"
        answer = eventually(lambda: _get(f"{url}/api/v1/openapi.json"))
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert service.health() == {}
        assert httpx.get(f"{url}/api/v1/events").status_code == 401
        assert httpx.get(f"{url}/nothing").status_code == 404
    finally:
        running.stop()


def test_it_may_serve_some_routes_alone(settings: Settings, free_port: int) -> None:
    service = Service("realtime", replace(settings, listen=f"127.0.0.1:{free_port}"))
    running = Running(service, lambda one: run_api(one, STREAMS))
    try:
        url = f"http://127.0.0.1:{free_port}"
        answer = eventually(lambda: _get(f"{url}/api/v1/openapi.json"))
        assert "/api/v1/events/stream" in answer.json()["paths"]
        assert httpx.get(f"{url}/api/v1/sites").status_code == 404
    finally:
        running.stop()


@pytest.mark.parametrize("listen", ["nowhere", ":80", "127.0.0.1:x", "127.0.0.1:99999"])
def test_an_address_that_is_none_ends_it(settings: Settings, listen: str) -> None:
    with pytest.raises(Fatal, match="SIGHTLINE_LISTEN"):
        run_api(Service("api", replace(settings, listen=listen)))


def _get(url: str) -> httpx.Response | None:
    try:
        return httpx.get(url)
    except httpx.TransportError:
        return None
