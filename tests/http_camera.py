"""A small camera over HTTP for tests: pictures as MJPEG or one by one, logins, and faults."""

from __future__ import annotations

import hashlib
import re
import ssl
import threading
from base64 import b64encode
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from pathlib import Path
from typing import Any, Literal, Self

import cv2
import numpy as np

HOST = "127.0.0.1"
Login = Literal["basic", "digest"]
_REALM, _NONCE = "camera", "9b1d"


def drawn(count: int = 10, size: tuple[int, int] = (320, 240)) -> list[bytes]:
    """Return so many JPEG pictures of ``size`` (width, height); the k-th is lighter than the last.

    A square stands in its midst whose grey tells its number: 20 more each.
    """
    width, height = size
    pictures = []
    for number in range(count):
        image = np.full((height, width, 3), 90, np.uint8)
        image[height // 4 : -height // 4, width // 4 : -width // 4] = 20 * (number + 1)
        pictures.append(cv2.imencode(".jpg", image)[1].tobytes())
    return pictures


class HttpCamera:
    """Serves from a thread of its own, until :meth:`stop`.

    ``/stream`` is MJPEG whose parts say their length, ``/bare`` one whose parts do not,
    ``/picture`` the next picture, ``/page`` no picture, ``/moved`` a redirection.

    Args:
        pictures: bodies, sent in turn, over and over.
        password: asked for with the user name ``viewer``; None: no login.
        login: the one kind of login that is offered.
        interval_s: between two pictures of a stream.
        tls: folder of ``server.key`` and ``server.pem``; None: without TLS.
    """

    def __init__(
        self,
        pictures: Iterable[bytes],
        *,
        password: str | None = None,
        login: Login = "digest",
        interval_s: float = 0.05,
        tls: Path | None = None,
    ) -> None:
        self.requests = 0
        self.silent = threading.Event()
        """Set: streams stop sending, requests are not answered."""
        self.busy = threading.Event()
        """Set: requests are answered with 503."""
        self.ending = threading.Event()
        """Set: streams end."""
        self._pictures = cycle(pictures)
        self._lock = threading.Lock()
        self._server = _Server((HOST, 0), _handler(self))
        self._scheme = "http" if tls is None else "https"
        if tls is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(tls / "server.pem", tls / "server.key")
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.password, self.login, self.interval_s = password, login, interval_s

    def address(self, path: str) -> str:
        host = HOST if self._scheme == "http" else "localhost"
        return f"{self._scheme}://{host}:{self._server.server_port}{path}"

    def next(self) -> bytes:
        with self._lock:
            return next(self._pictures)

    def allows(self, method: str, given: str) -> bool:
        if self.password is None:
            return True
        if self.login == "basic":
            return given == "Basic " + b64encode(f"viewer:{self.password}".encode()).decode()
        fields = dict(re.findall(r'(\w+)="?([^",]*)', given))
        owner = _md5(f"viewer:{_REALM}:{self.password}")
        asked = _md5(f"{method}:{fields.get('uri', '')}")
        between = ":".join(fields.get(name, "") for name in ("nc", "cnonce", "qop"))
        return fields.get("response") == _md5(f"{owner}:{_NONCE}:{between}:{asked}")

    def challenge(self) -> str:
        kind = 'Digest qop="auth", nonce="' + _NONCE + '", ' if self.login == "digest" else "Basic "
        return f'{kind}realm="{_REALM}"'

    def stop(self) -> None:
        self.ending.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Say nothing of clients that go away, or do not trust us."""


def _handler(camera: HttpCamera) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            camera.requests += 1
            if camera.silent.is_set():
                camera.ending.wait()
                self.close_connection = True
            elif camera.busy.is_set():
                self._answer(503, "text/plain", b"busy")
            elif not camera.allows("GET", self.headers.get("Authorization", "")):
                self._answer(401, "text/plain", b"no", ("WWW-Authenticate", camera.challenge()))
            elif self.path in ("/stream", "/bare"):
                self._stream()
            elif self.path == "/picture":
                self._answer(200, "image/jpeg", camera.next())
            elif self.path == "/page":
                self._answer(200, "text/html; charset=utf-8", b"<h1>camera</h1>")
            elif self.path == "/moved":
                target = "https://gate.example/live?token=s3cret"
                self._answer(301, "text/plain", b"", ("Location", target))
            else:
                self._answer(404, "text/plain", b"no")

        def _answer(self, status: int, kind: str, body: bytes, *more: tuple[str, str]) -> None:
            self.send_response(status)
            for name, value in (("Content-Type", kind), ("Content-Length", str(len(body))), *more):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def _stream(self) -> None:
            self.close_connection = True
            self.send_response(200)
            # As cameras do: with the dashes in the name, or without.
            boundary = "--edge" if self.path == "/bare" else "edge"
            self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={boundary}")
            self.end_headers()
            try:
                while not camera.ending.wait(camera.interval_s):
                    if camera.silent.is_set():
                        continue
                    picture = camera.next()
                    length = b"" if self.path == "/bare" else b"Content-Length: %d" % len(picture)
                    kind = b"Content-Type: image/jpeg"
                    head = b"\r\n".join([b"--edge", kind, *([length] if length else []), b"", b""])
                    self.wfile.write(head + picture + b"\r\n")
            except OSError:
                return

        def log_message(self, *_: Any) -> None:
            return

    return Handler


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()
