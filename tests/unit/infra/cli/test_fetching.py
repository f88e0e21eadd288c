"""A published file comes whole and with its checksum, or not at all, and the reason is said."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from infra.cli import fetching
from infra.cli.fetching import fetch
from schemas.errors import Rejected, Retryable

CONTENT = bytes(range(256)) * 2000
DIGEST = sha256(CONTENT).hexdigest()
INSTEAD = "`sightline models import FILE.onnx --as m`"


class Published(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/moved.onnx":
            self.send_response(302)
            self.send_header("Location", "/m.onnx")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        whole = self.path.startswith(("/m.onnx", "/cut.onnx"))
        self.send_response(200 if whole else 404)
        self.send_header("Content-Length", str(len(CONTENT)) if whole else "0")
        self.end_headers()
        if whole:
            self.wfile.write(CONTENT[: 1000 if self.path == "/cut.onnx" else None])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Published)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("path", ["m.onnx", "moved.onnx"])
def test_a_file_with_the_right_checksum_comes(site: str, path: str, tmp_path: Path) -> None:
    fetch(f"{site}/{path}", DIGEST, tmp_path / "m.onnx", instead=INSTEAD)
    assert (tmp_path / "m.onnx").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("path", "digest", "reason", "said"),
    [
        ("m.onnx?token=secret", "0" * 64, "wrong-checksum", f"has SHA-256 {DIGEST}, and 0000"),
        ("none.onnx?token=secret", DIGEST, "not-published", "answers 404 Not Found"),
    ],
)
def test_what_is_not_the_file_is_refused_and_leaves_nothing(
    site: str, path: str, digest: str, reason: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(Rejected, match=said) as refused:
        fetch(f"{site}/{path}", digest, tmp_path / "m.onnx", instead=INSTEAD)
    assert refused.value.reason == reason and "secret" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["nowhere", "cut"])
def test_without_a_network_one_line_says_what_works(site: str, place: str, tmp_path: Path) -> None:
    address = "http://127.0.0.1:9/m.onnx" if place == "nowhere" else f"{site}/cut.onnx"
    with pytest.raises(Retryable, match="without a network bring the file") as refused:
        fetch(address, DIGEST, tmp_path / "m.onnx", instead=INSTEAD)
    assert INSTEAD in str(refused.value) and "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_file_without_end_is_refused(
    site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "MOST_BYTES", 1000)
    with pytest.raises(Rejected, match="more than 1000 bytes"):
        fetch(f"{site}/m.onnx", DIGEST, tmp_path / "m.onnx", instead=INSTEAD)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("address", ["http://[::1/m.onnx", "http://", "http://a:b/m.onnx"])
def test_what_is_no_address_is_refused(address: str, tmp_path: Path) -> None:
    with pytest.raises(Rejected) as refused:
        fetch(address, DIGEST, tmp_path / "m.onnx", instead=INSTEAD)
    assert refused.value.reason == "bad-address"
    assert list(tmp_path.iterdir()) == []
