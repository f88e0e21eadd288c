"""The frame of a long-running process: logging, /metrics and /healthz, signals, the exit code."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from infra.runtime.logs import configure_logging
from infra.runtime.metrics import watch_disk
from infra.runtime.settings import Settings
from schemas.errors import Fatal, SightlineError

Check = Callable[[], str | None]
"""Returns what is wrong, or None."""


class Service:
    """One process: a name, its health checks, and an event that says when to stop.

    ``checks`` may be extended while the process runs; /healthz answers 200 when none complains
    and 503 with what is wrong otherwise.
    """

    def __init__(self, name: str, settings: Settings) -> None:
        self.name = name
        self.settings = settings
        self.stopping = threading.Event()
        self.checks: dict[str, Check] = {}
        self.log = structlog.get_logger(name)

    def run(self, main: Callable[[Service], None]) -> int:
        """Run ``main`` until it returns or a signal sets ``stopping``; return the exit code."""
        configure_logging(self.settings.log_format)
        signal.signal(signal.SIGTERM, lambda *_: self.stopping.set())
        signal.signal(signal.SIGINT, lambda *_: self.stopping.set())
        watch_disk(self.settings.data)
        server = self._serve()
        self.log.info("started", http_port=server.server_address[1])
        try:
            main(self)
        except Fatal as error:
            print(f"{self.name}: {error}", file=sys.stderr)
            return 1
        except SightlineError as error:
            self.log.error("ended by an error", error=str(error))
            print(f"{self.name}: {error}", file=sys.stderr)
            return 1
        finally:
            server.shutdown()
            server.server_close()
        self.log.info("stopped")
        return 0

    def health(self) -> dict[str, str]:
        """Return what is wrong, by check; empty when all is well."""
        found = {name: check() for name, check in list(self.checks.items())}
        return {name: problem for name, problem in found.items() if problem}

    def _serve(self) -> ThreadingHTTPServer:
        port = int(self.settings.http_port)
        try:
            server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self.health))
        except OSError as error:
            raise Fatal(f"port {port} for /metrics cannot be opened: {error.strerror}") from error
        threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
        return server


def _handler(health: Callable[[], Mapping[str, str]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, generate_latest(REGISTRY), CONTENT_TYPE_LATEST)
            elif self.path == "/healthz":
                problems = health()
                body = json.dumps({"ok": not problems, "problems": dict(problems)}).encode()
                self._answer(503 if problems else 200, body, "application/json")
            else:
                self._answer(404, b"try /metrics or /healthz\n", "text/plain")

        def _answer(self, status: int, body: bytes, content_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Keep scrapes out of the log."""

    return Handler
