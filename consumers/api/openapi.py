"""The OpenAPI document: what FastAPI makes of the routes, with errors under their true media type."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from consumers.api.problems import MEDIA_TYPE

DESCRIPTION = (
    "Events of cameras with their evidence, how they are handled, and everything that the console "
    "shows. Errors are problem+json (RFC 9457). Lists are pages: follow `next` until it is null. "
    "Times are ISO 8601 with their zone."
)


def document(app: FastAPI) -> dict[str, Any]:
    """Return the app's OpenAPI document, made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title,
            version=app.version,
            openapi_version=app.openapi_version,
            description=DESCRIPTION,
            routes=app.routes,
        )
        for path in made["paths"].values():
            for operation in path.values():
                _name_problems(operation["responses"])
        app.openapi_schema = made
    return app.openapi_schema


def _name_problems(responses: dict[str, Any]) -> None:
    for status, response in responses.items():
        content = response.get("content", {})
        if status[0] in "45" and "application/json" in content:
            content[MEDIA_TYPE] = content.pop("application/json")
