"""Weights by address arrive in the background; what nobody wants any more is given up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from threading import Event
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import Rejected, Retryable
from streams.inference.updating import source as sources
from streams.inference.updating.pieces import Pieces
from streams.inference.updating.source import Source
from streams.inference.updating.waiting import (
    LONGEST_PAUSE_S,
    WORD_AFTER_S,
    Wait,
    interim,
    put_off,
    word_due,
)
from streams.inference.updating.weights import WeightStore
from tests.unit.streams.inference.updating.updates import WEIGHTS, update

PATIENCE_S = 30.0
BY_ADDRESS = update(chunks=0, address="http://site.example/weights")


class Server:
    """Plays the download: it ends when it is told to, with what it is told to give."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.go_on = Event()
        self.ended = Event()
        self.gives = WEIGHTS

    def __call__(self, address: str, size: int, into: Path, stopping: Callable[[], bool]) -> None:
        self.asked.append(address)
        try:
            while not self.go_on.wait(0.01):
                if stopping():
                    raise Retryable("given up")
            into.write_bytes(self.gives)
        finally:
            self.ended.set()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    with patch.object(sources, "download", server):
        yield server


@pytest.fixture
def source(tmp_path: Path, server: Server) -> Iterator[Source]:
    stop = Event()
    source = Source(WeightStore(tmp_path), Pieces(), lambda offsets: [], stop.is_set)
    yield source
    stop.set()
    source.close()


def test_a_model_without_weights_needs_none(source: Source) -> None:
    assert source.bring(update(b"")) is None


def test_a_download_goes_on_beside_and_is_then_there(source: Source, server: Server) -> None:
    for _ in range(3):
        with pytest.raises(Retryable, match=r"site\.example/weights is being fetched"):
            source.bring(BY_ADDRESS)
    server.go_on.set()
    assert server.ended.wait(PATIENCE_S)
    whole = awaited(source)
    assert whole.read_bytes() == WEIGHTS and len(server.asked) == 1
    assert source.bring(BY_ADDRESS) == whole


def test_another_file_is_refused_and_fetched_anew_when_asked_again(
    source: Source, server: Server
) -> None:
    server.gives = b"another file"
    server.go_on.set()
    with pytest.raises(Rejected) as refused:
        awaited(source)
    assert refused.value.reason == "wrong-checksum"
    server.gives = WEIGHTS
    assert sha256(awaited(source).read_bytes()).hexdigest() == BY_ADDRESS.sha256


def test_what_nobody_waits_for_is_given_up(source: Source, server: Server, tmp_path: Path) -> None:
    with pytest.raises(Retryable):
        source.bring(BY_ADDRESS)
    source.keep_only([BY_ADDRESS.sha256])
    assert not server.ended.is_set()
    source.keep_only([])
    assert server.ended.wait(PATIENCE_S), "the next download would wait for it"
    assert list(tmp_path.iterdir()) == []


def awaited(source: Source) -> Path:
    """Ask until the download has ended."""
    while True:
        try:
            found = source.bring(BY_ADDRESS)
        except Retryable:
            continue
        assert found is not None
        return found


@given(st.integers(1, 60))
def test_tries_become_rarer_and_never_end(tries: int) -> None:
    wait, now_s = Wait(update(), 0.0, 0.0), 0.0
    for number in range(tries):
        earlier = wait.pause_s
        wait = put_off(wait, f"why {number}", now_s)
        assert now_s < wait.next_s <= now_s + LONGEST_PAUSE_S
        assert wait.pause_s >= earlier
        now_s = wait.next_s
    assert word_due(wait, now_s) == (now_s >= WORD_AFTER_S)
    told = interim(wait, 5)
    assert told.message == f"why {tries - 1}" and told.answers(update())
