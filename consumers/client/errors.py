"""What the API refuses, as exceptions.

ApiError
├── Unauthenticated  401  the key is not valid (any more)
├── Forbidden        403  the key may not do this
├── NotFound         404  not there, or not to be seen with this key
├── Conflict         409  it is not in the state for this, or a name is taken
├── Stale            412, 428  somebody else changed it, or no version was named
├── Invalid          422  the request does not fit; see ``errors``
├── TooOften         429  see ``retry_after_s``
└── Unavailable      503  a part does not answer, after all tries; see ``retry_after_s``
"""

from __future__ import annotations

from typing import Any

import httpx

RETRY_AFTER_S = 2.0


class ApiError(Exception):
    """The API answered with an error; the text says what happened and what to do next."""

    def __init__(
        self,
        status: int,
        kind: str,
        title: str,
        detail: str = "",
        *,
        errors: list[dict[str, Any]] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(f"{title}: {detail}" if detail else title)
        self.status = status
        self.kind = kind
        """The machine word of the problem, such as ``stale-version``."""
        self.title = title
        self.detail = detail
        self.errors = errors or []
        """Each fault of the request: ``where`` and ``what``."""
        self.retry_after_s = retry_after_s


class Unauthenticated(ApiError):
    """The key is not valid, or not any more."""


class Forbidden(ApiError):
    """The key may not do this."""


class NotFound(ApiError):
    """It is not there, or not to be seen with this key."""


class Conflict(ApiError):
    """It is not in the state for this, or a name is taken."""


class Stale(ApiError):
    """Somebody else changed it meanwhile, or no version was named."""


class Invalid(ApiError):
    """The request does not fit the description."""


class TooOften(ApiError):
    """Wait before the next try."""


class Unavailable(ApiError):
    """A part of the cloud does not answer."""


KINDS: dict[int, type[ApiError]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: Stale,
    428: Stale,
    422: Invalid,
    429: TooOften,
    503: Unavailable,
}


def error_of(answer: httpx.Response) -> ApiError:
    """Return the exception for an answer of 400 or more whose body has been read."""
    try:
        problem = answer.json()
    except ValueError:
        problem = None
    # A proxy in between has words of its own.
    problem = problem if isinstance(problem, dict) else {}
    errors = problem.get("errors")
    return KINDS.get(answer.status_code, ApiError)(
        answer.status_code,
        str(problem.get("type", "")).rpartition(":")[2],
        str(problem.get("title") or f"HTTP {answer.status_code}"),
        str(problem.get("detail", "")),
        errors=errors if isinstance(errors, list) else [],
        retry_after_s=retry_after_s(answer),
    )


def retry_after_s(answer: httpx.Response) -> float | None:
    """Return how long the answer asks to wait; None where it does not."""
    said = answer.headers.get("Retry-After", "")
    if said.isdecimal():
        return float(said)
    return RETRY_AFTER_S if answer.status_code in (429, 503) else None
