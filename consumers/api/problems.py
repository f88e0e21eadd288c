"""Errors as problem+json (RFC 9457): what happened, where, and what to do next."""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from consumers.access.meters import TooOften
from schemas.errors import Backpressure, Rejected, Retryable

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 2


class ProblemDocument(BaseModel):
    """The body of every error."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(default="about:blank", description="Names the kind of problem.")
    title: str = Field(description="The kind of problem in a few words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(default="", description="What happened here, and what to do next.")
    errors: list[dict[str, Any]] = Field(
        default=[], description="Each fault of the input: where it is, and what is wrong."
    )


ERRORS: dict[int | str, dict[str, object]] = {
    status: {"model": ProblemDocument, "description": description}
    for status, description in {
        401: "Nobody is logged in, and no valid key is given.",
        403: "Not allowed, or a second factor is needed first.",
        404: "Not there, or not yours to see.",
        413: "The body is larger than this route takes.",
        422: "The request does not fit the description.",
        429: "Too often; see Retry-After.",
        503: "A part does not answer; see Retry-After.",
    }.items()
}
"""What any route may answer."""


class Problem(Exception):
    """An answer that is an error; ``kind`` is its machine word, such as ``stale-version``."""

    def __init__(
        self,
        status: int,
        kind: str,
        title: str,
        detail: str = "",
        *,
        errors: list[dict[str, Any]] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail or title)
        self.status = status
        self.headers = headers or {}
        self.document = ProblemDocument(
            type=f"urn:sightline:problem:{kind}",
            title=title,
            status=status,
            detail=detail,
            errors=errors or [],
        )


def not_found(what: str) -> Problem:
    """Return the answer for what is not there, or may not be seen: nobody can tell which."""
    return Problem(404, "not-found", "Not found", f"there is no such {what}, or you may not see it")


def answer(problem: Problem) -> Response:
    """Return a problem as a response."""
    # Within ASCII: what was sent in and is told again may hold half of a surrogate pair.
    body = json.dumps(problem.document.model_dump(mode="python"), ensure_ascii=True, default=str)
    return Response(body, problem.status, problem.headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Let every error of the app leave as problem+json."""

    @app.exception_handler(Problem)
    async def problem(_: Request, error: Problem) -> Response:
        return answer(error)

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> Response:
        # A body that cannot be read at all is refused as one that does not fit is.
        status = 422 if error.status_code == 400 else error.status_code
        found = Problem(status, "http", str(error.detail))
        found.headers = dict(error.headers or {})
        return answer(found)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        faults = [
            {"where": ".".join(str(part) for part in one["loc"]), "what": one["msg"]}
            for one in error.errors()
        ]
        detail = "the request does not fit this route's description; see errors"
        return answer(Problem(422, "invalid", "Invalid request", detail, errors=faults))

    @app.exception_handler(Rejected)
    async def rejected(_: Request, error: Rejected) -> Response:
        return answer(Problem(422, error.reason, "Refused", str(error)))

    @app.exception_handler(TooOften)
    async def too_often(_: Request, error: TooOften) -> Response:
        headers = {"Retry-After": str(max(1, round(error.retry_after_s)))}
        return answer(Problem(429, "too-often", "Too often", str(error), headers=headers))

    @app.exception_handler(Retryable)
    async def retryable(_: Request, error: Retryable) -> Response:
        wait_s = error.retry_after_s if isinstance(error, Backpressure) else RETRY_AFTER_S
        headers = {"Retry-After": str(max(1, round(wait_s)))}
        detail = "a part of the cloud does not answer at the moment; try again"
        return answer(Problem(503, "unavailable", "Try again", detail, headers=headers))

    @app.exception_handler(Exception)
    async def unforeseen(_: Request, __: Exception) -> Response:
        # The server logs it; the client learns nothing of our insides.
        detail = "the fault is ours and has been noted; the same request may work later"
        return answer(Problem(500, "internal", "Our fault", detail))
