from __future__ import annotations

import threading
from functools import partial

import pytest

from infra.runtime.service import Service
from infra.runtime.settings import Settings
from infra.runtime.side_by_side import run_side_by_side
from schemas.errors import Fatal


def test_all_stop_when_the_service_stops() -> None:
    service = Service("cloud", Settings())
    ended: list[bool] = []
    wait = partial(_wait, service, ended)
    threading.Timer(0.1, service.stopping.set).start()
    run_side_by_side(service, {"one": wait, "two": wait})
    assert ended == [True, True]


@pytest.mark.parametrize("error", [Fatal("no such setting"), ValueError("a mistake of ours")])
def test_the_first_failure_stops_the_others_and_is_told(error: Exception) -> None:
    def failing() -> None:
        raise error

    service = Service("cloud", Settings())
    ended: list[bool] = []
    with pytest.raises(type(error), match=str(error)):
        run_side_by_side(service, {"one": partial(_wait, service, ended), "two": failing})
    assert ended == [True]


def test_one_that_ends_without_a_word_stops_the_others_too() -> None:
    service = Service("cloud", Settings())
    ended: list[bool] = []
    run_side_by_side(service, {"one": partial(_wait, service, ended), "two": lambda: None})
    assert ended == [True]


def _wait(service: Service, ended: list[bool]) -> None:
    ended.append(service.stopping.wait())
