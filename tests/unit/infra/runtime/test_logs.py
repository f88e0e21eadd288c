from __future__ import annotations

import logging
from collections.abc import Iterator

import httpx
import pytest

from infra.runtime.logs import configure_logging


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_addresses_that_are_asked_are_not_logged(capfd: pytest.CaptureFixture[str]) -> None:
    """Of a webhook they hold its secret, and of a camera nobody wants a line for each picture."""
    configure_logging()
    answering = httpx.MockTransport(lambda request: httpx.Response(200))
    with httpx.Client(transport=answering) as client:
        client.post("https://hooks.example/services/s3cret", json={})
    logging.getLogger("ours").info("delivered")
    told = capfd.readouterr().err
    assert "delivered" in told
    assert "s3cret" not in told


def test_a_client_librarys_warning_comes_once(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    for _ in range(5):
        logging.getLogger("aiokafka.client").warning("no broker")
    assert capfd.readouterr().err.count("no broker") == 1
