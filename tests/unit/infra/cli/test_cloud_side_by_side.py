from __future__ import annotations

import threading

import pytest

from infra.cli.cloud import run_side_by_side
from infra.runtime.service import Service
from infra.runtime.settings import Settings
from schemas.errors import Fatal


def patient(service: Service) -> None:
    service.stopping.wait()


def test_all_stop_when_the_service_stops() -> None:
    service = Service("cloud", Settings())
    threading.Timer(0.1, service.stopping.set).start()
    run_side_by_side(service, {"one": patient, "two": patient})
    assert not [t for t in threading.enumerate() if t.name.startswith("cloud")]


@pytest.mark.parametrize("error", [Fatal("no such setting"), ValueError("a mistake of ours")])
def test_the_first_failure_stops_the_others_and_is_told(error: Exception) -> None:
    def failing(_: Service) -> None:
        raise error

    service = Service("cloud", Settings())
    with pytest.raises(type(error), match=str(error)):
        run_side_by_side(service, {"one": patient, "two": failing})
    assert service.stopping.is_set()


def test_one_that_ends_without_a_word_stops_the_others_too() -> None:
    service = Service("cloud", Settings())
    run_side_by_side(service, {"one": patient, "two": lambda _: None})
    assert service.stopping.is_set()
