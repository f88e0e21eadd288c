"""The API as a process: an HTTP server on ``SIGHTLINE_LISTEN`` until the service stops."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from fastapi import FastAPI

from consumers.api.app import build
from consumers.api.registry import MODULES
from consumers.realtime.server import PEER_GONE_MS, StreamingServer
from infra.runtime.service import Service
from schemas.errors import Fatal

BACKLOG = 1024
KEEP_ALIVE_S = 30
LOOK_EVERY_S = 0.2
COLLECT_AFTER = (10_000, 20, 50)
"""New objects until the youngest are looked through, and how many of those until the older ones."""


def run_api(service: Service, modules: Iterable[str] = MODULES) -> None:
    """Serve the routes of ``modules`` until the service stops.

    Raises:
        Fatal: a setting is missing, the address cannot be listened on, or the server cannot start.
    """
    settings = service.settings
    app = build(settings, modules)
    _settle_memory()
    with listening(settings.listen) as listener:
        host, port = listener.getsockname()[:2]
        service.log.info("listening", host=host, port=port)
        server = _Server(
            app,
            loop="uvloop",
            http="httptools",
            # Requests are logged by consumers.api.watching, without what may be secret.
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
        )
        service.checks["api"] = lambda: _problem(server, app)
        with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
            runner.run(_serve(service, server, listener))
        if not server.started:
            raise Fatal("the API did not start: see the log lines before")


@contextmanager
def listening(address: str) -> Iterator[socket.socket]:
    """Yield a socket that listens on host:port; port 0 takes a free one.

    Raises:
        Fatal: the text is no such address, or it cannot be listened on.
    """
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal():
        raise Fatal(f"SIGHTLINE_LISTEN is {address!r}: set it to host:port, as 127.0.0.1:8080")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, int(port)), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        raise Fatal(
            f"{address} cannot be listened on: {error}; correct SIGHTLINE_LISTEN"
        ) from error
    with listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, PEER_GONE_MS)
        yield listener


def _settle_memory() -> None:
    # A full collection looks at every object of all modules, and everybody waits meanwhile: what
    # is there now stays for good. Clients that come and go fill the youngest generation fast.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


class _Server(StreamingServer):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the service."""
        yield


async def _serve(service: Service, server: _Server, listener: socket.socket) -> None:
    serving = asyncio.create_task(server.serve([listener]))
    while not serving.done() and not service.stopping.is_set():
        await asyncio.wait([serving], timeout=LOOK_EVERY_S)
    server.should_exit = True
    with suppress(asyncio.CancelledError):
        await serving


def _problem(server: StreamingServer, app: FastAPI) -> str | None:
    if not server.started:
        return "is not up yet"
    context, hub = (getattr(app.state, name, None) for name in ("context", "hub"))
    problems = (part.problem for part in (context and context.outbox, hub) if part is not None)
    return next(filter(None, problems), None)
