"""Addresses that are slow, end early, redirect, lie, or are none."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from schemas.errors import Rejected, Retryable
from streams.inference.updating.downloading import MOST_REDIRECTS, download

DATA = bytes(range(256)) * 128


class Handler(BaseHTTPRequestHandler):
    """Answers by path; remembers which ranges were asked for."""

    ranges: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        self.ranges.append(self.headers["Range"])
        start = int((self.headers["Range"] or "bytes=0-")[len("bytes=") : -1])
        kind, _, argument = self.path.strip("/").partition("/")
        if kind == "code":
            self.reply(int(argument), b"no")
        elif kind == "redirects":
            left = int(argument)
            target = f"/redirects/{left - 1}" if left > 1 else "/whole"
            self.reply(302, b"", ("Location", target))
        elif kind == "half":
            # It says more than it gives: the connection ends in the middle.
            self.reply(206 if start else 200, DATA[start : start + 8192], length=len(DATA) - start)
        elif kind == "no-ranges":
            self.reply(200, DATA)
        elif start >= len(DATA):
            self.reply(416, b"")
        else:
            self.reply(206 if start else 200, DATA[start:])

    def reply(
        self, code: int, body: bytes, *headers: tuple[str, str], length: int | None = None
    ) -> None:
        self.send_response(code)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def into(tmp_path: Path) -> Path:
    Handler.ranges.clear()
    return tmp_path / "download.part"


def go_on() -> bool:
    return False


def test_a_file_is_fetched_once(server: str, into: Path) -> None:
    download(f"{server}/whole", len(DATA), into, go_on)
    download(f"{server}/whole", len(DATA), into, go_on)
    assert into.read_bytes() == DATA and Handler.ranges == [None]


def test_it_goes_on_where_it_ended(server: str, into: Path) -> None:
    for _ in range(2):
        with pytest.raises(Retryable):
            download(f"{server}/half", len(DATA), into, go_on)
    have = into.stat().st_size
    assert 0 < have < len(DATA) and into.read_bytes() == DATA[:have]
    download(f"{server}/whole", len(DATA), into, go_on)
    assert into.read_bytes() == DATA and Handler.ranges[-1] == f"bytes={have}-"


def test_a_server_without_ranges_begins_again(server: str, into: Path) -> None:
    into.write_bytes(b"an earlier attempt")
    download(f"{server}/no-ranges", len(DATA), into, go_on)
    assert into.read_bytes() == DATA


def test_a_file_that_has_shrunk_is_fetched_from_the_start(server: str, into: Path) -> None:
    into.write_bytes(DATA + b"more")
    with pytest.raises(Retryable, match="changed meanwhile"):
        download(f"{server}/whole", len(DATA) + 100, into, go_on)
    assert not into.exists()


@pytest.mark.parametrize("stop", [lambda: True, lambda: False], ids=["stopped", "late"])
def test_it_ends_with_the_process_and_in_time(
    server: str, into: Path, stop: Callable[[], bool]
) -> None:
    with pytest.raises(Retryable, match="it goes on there"):
        download(f"{server}/whole", len(DATA) + 1, into, stop, longest_s=0)


def test_some_redirects_are_followed_and_more_are_not(server: str, into: Path) -> None:
    download(f"{server}/redirects/{MOST_REDIRECTS}", len(DATA), into, go_on)
    assert into.read_bytes() == DATA
    with pytest.raises(Rejected, match="redirects"):
        into.unlink()
        download(f"{server}/redirects/{MOST_REDIRECTS + 1}", len(DATA), into, go_on)


def test_more_than_was_announced_is_not_taken(server: str, into: Path) -> None:
    with pytest.raises(Rejected) as refused:
        download(f"{server}/whole", len(DATA) - 1, into, go_on)
    assert refused.value.reason == "wrong-size"


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410])
def test_what_is_not_there_is_refused(server: str, into: Path, code: int) -> None:
    with pytest.raises(Rejected, match=str(code)):
        download(f"{server}/code/{code}", 1, into, go_on)


@pytest.mark.parametrize("code", [408, 429, 500, 503])
def test_what_may_come_back_is_tried_again(server: str, into: Path, code: int) -> None:
    with pytest.raises(Retryable, match=str(code)):
        download(f"{server}/code/{code}", 1, into, go_on)


def test_nobody_there_is_tried_again_and_secrets_are_not_told(into: Path) -> None:
    with pytest.raises(Retryable) as waits:
        download("http://me:word@127.0.0.1:1/a.onnx?token=secret", 1, into, go_on)
    assert "word" not in str(waits.value) and "secret" not in str(waits.value)


@pytest.mark.parametrize(
    "address", ["", "model.onnx", "ftp://a/b", "file:///etc/passwd", "http://[::1/x"]
)
def test_what_is_no_address_is_refused(into: Path, address: str) -> None:
    with pytest.raises(Rejected) as refused:
        download(address, 1, into, go_on)
    assert refused.value.reason == "bad-address"
