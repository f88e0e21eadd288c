"""The OpenAPI document: what FastAPI makes of the routes, with errors under their true media type."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from consumers.api.problems import ERRORS, MEDIA_TYPE, ProblemDocument
from consumers.api.security import SESSION_COOKIE

DESCRIPTION = (
    "Events of cameras with their evidence, how they are handled, and everything that the console "
    "shows. Errors are problem+json (RFC 9457). Lists are pages: follow `next` until it is null. "
    "Times are ISO 8601 with their zone."
)
SECURITY = {
    "key": {"type": "http", "scheme": "bearer", "description": "An API key."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": SESSION_COOKIE,
        "description": "Of a browser; what changes something needs the header Sightline-CSRF, too.",
    },
}


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
        shared = {f"Error{status}": _response(error) for status, error in ERRORS.items()}
        for path in made["paths"].values():
            for operation in path.values():
                _name_problems(operation["responses"])
                _share(operation["responses"], shared)
        components = made.setdefault("components", {})
        components["responses"] = shared
        components["securitySchemes"] = SECURITY
        made["security"] = [{name: []} for name in SECURITY]
        app.openapi_schema = made
    return app.openapi_schema


def _name_problems(responses: dict[str, Any]) -> None:
    for status, response in responses.items():
        content = response.get("content", {})
        if status[0] in "45" and "application/json" in content:
            content[MEDIA_TYPE] = content.pop("application/json")


def _share(responses: dict[str, Any], shared: dict[str, Any]) -> None:
    """Say what any route may answer once, not a hundred times."""
    for status, response in responses.items():
        name = f"Error{status}"
        # Too large a body is answered before the route is asked, whatever it speaks.
        if shared.get(name) == response or status == "413":
            responses[status] = {"$ref": f"#/components/responses/{name}"}


def _response(error: dict[str, Any]) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{ProblemDocument.__name__}"}
    return {"description": error["description"], "content": {MEDIA_TYPE: {"schema": schema}}}
