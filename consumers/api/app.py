"""The ASGI application: all routes over the parts that the process holds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from consumers.api import problems
from consumers.api.context import opened
from consumers.api.registry import routers
from infra.runtime.settings import Settings

VERSION = "1"
ERRORS: dict[int | str, dict[str, object]] = {
    status: {"model": problems.ProblemDocument, "description": description}
    for status, description in {
        401: "Nobody is logged in, and no valid key is given.",
        403: "Not allowed, or a second factor is needed first.",
        404: "Not there, or not yours to see.",
        422: "The request does not fit the description.",
        429: "Too often; see Retry-After.",
        503: "A part does not answer; see Retry-After.",
    }.items()
}


def build(settings: Settings) -> FastAPI:
    """Return the application; its parts are opened when it is started."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opened(settings) as context:
            app.state.context = context
            yield

    app = FastAPI(
        title="Sightline",
        version=VERSION,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        responses=ERRORS,
        generate_unique_id_function=lambda route: route.name,
    )
    problems.install(app)
    for router in routers():
        app.include_router(router)
    return app
