"""The ASGI application: all routes over the parts that the process holds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from consumers.api import problems
from consumers.api.context import opened
from consumers.api.openapi import document
from consumers.api.registry import MODULES, routers
from consumers.api.watching import Watched
from infra.runtime.settings import Settings

VERSION = "1"
MAX_BODY_BYTES = 1 << 20
"""A route that takes more says so itself, by ``max_body_size``."""


class Api(FastAPI):
    """FastAPI, watched from outside everything that may answer."""

    def build_middleware_stack(self) -> ASGIApp:
        """Return the whole application as the server calls it."""
        return Watched(super().build_middleware_stack())

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        return document(self)


def build(settings: Settings, modules: Iterable[str] = MODULES) -> Api:
    """Return the application with the routes of ``modules``; its parts are opened at the start."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opened(settings) as context:
            app.state.context = context
            yield

    app = Api(
        title="Sightline",
        version=VERSION,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        responses=problems.ERRORS,
        generate_unique_id_function=lambda route: route.name,
        max_body_size=MAX_BODY_BYTES,
    )
    problems.install(app)
    for router in routers(modules):
        app.include_router(router)
    return app
