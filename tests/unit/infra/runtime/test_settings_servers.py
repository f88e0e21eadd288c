"""Several model servers in one setting."""

from __future__ import annotations

import pytest

from infra.runtime.settings import Settings
from schemas.errors import Fatal
from streams.inference.client import TritonClient
from streams.inference.detect import requests_of


def test_servers_are_separated_by_commas_and_the_first_is_that_of_the_models() -> None:
    given = {"SIGHTLINE_TRITON_GRPC": "127.0.0.1:1, far:2,"}
    settings = Settings.from_environment(given)
    assert settings.triton_servers == ("127.0.0.1:1", "far:2")
    client = TritonClient(settings.need("triton_grpc"))
    assert client.url == "127.0.0.1:1"
    client.close()
    assert Settings().triton_servers == ()


def test_the_number_of_requests_is_one_or_more() -> None:
    assert requests_of(Settings()) >= 2
    assert requests_of(Settings(triton_requests="32")) == 32
    for wrong in ("0", "-1", "many"):
        with pytest.raises(Fatal, match="SIGHTLINE_TRITON_REQUESTS"):
            requests_of(Settings(triton_requests=wrong))
