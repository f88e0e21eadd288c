"""What every request passes: figures, a line in the log, headers that protect browsers, patience."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import structlog
from prometheus_client import Histogram
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from consumers.api.problems import MEDIA_TYPE, ProblemDocument

BODY_WAIT_S = 30.0
"""A client that sends nothing of its body for so long is let go."""
UNKNOWN_ROUTE = "none"
NOT_LOGGED = frozenset({"/healthz"})
DURATION = Histogram(
    "sightline_http_seconds",
    "From the request to the end of its answer.",
    ["method", "route", "status"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15),
)
PROTECTING = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    # Answers are one person's: no cache between may keep them. A route may say otherwise.
    "cache-control": "no-store",
}
TOO_LARGE = 413
_TOO_LARGE = json.dumps(
    ProblemDocument(
        type="urn:sightline:problem:too-large",
        title="Too large",
        status=TOO_LARGE,
        detail="the body is larger than this route takes: send less at once",
    ).model_dump()
).encode()
_LOG = structlog.get_logger("http")


class Watched:
    """Measures and logs each request by its route's template: paths and queries may hold secrets."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; connections of other kinds are passed as they are."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_s = time.perf_counter()
        status = 500

        async def watched_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                _protect(headers)
                if status == TOO_LARGE:
                    headers["content-type"] = MEDIA_TYPE
                    headers["content-length"] = str(len(_TOO_LARGE))
            elif status == TOO_LARGE:
                # The limit stands before the app and its handlers of errors.
                message = {**message, "body": _TOO_LARGE, "more_body": False}
            await send(message)

        try:
            await self._app(scope, _patient(receive), watched_send)
        finally:
            took_s = time.perf_counter() - started_s
            route = _template(scope)
            DURATION.labels(scope["method"], route, str(status)).observe(took_s)
            _LOG.info(
                "request",
                method=scope["method"],
                route=route,
                status=status,
                ms=round(took_s * 1000, 1),
            )


def _protect(headers: MutableHeaders) -> None:
    for name, value in PROTECTING.items():
        headers.setdefault(name, value)


def _template(scope: Scope) -> str:
    # Whatever does not meet a route shares one name: labels must not grow with what clients invent.
    route: Any = scope.get("route")
    return str(getattr(route, "path", UNKNOWN_ROUTE))


def _patient(receive: Receive) -> Receive:
    whole = False

    async def wait() -> Message:
        nonlocal whole
        if whole:
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), BODY_WAIT_S)
        except TimeoutError:
            return {"type": "http.disconnect"}
        whole = not message.get("more_body", False)
        return message

    return wait
