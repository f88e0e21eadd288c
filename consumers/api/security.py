"""Who asks, and whether it may: each route names the one permission that it needs.

@router.get("/api/v1/events")
async def events(principal: Annotated[Principal, allow(Permission.EVENTS_READ)]) -> ...
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import Depends
from starlette.requests import HTTPConnection

from consumers.access.authenticate import Credentials, Forged, authenticate
from consumers.access.permissions import STEP_UP, Permission
from consumers.access.principal import Principal
from consumers.access.sessions import Client
from consumers.api.context import Parts
from consumers.api.problems import Problem

SESSION_COOKIE = "sightline_session"
DEVICE_COOKIE = "sightline_device"
CSRF_HEADER = "Sightline-CSRF"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
STEP_UP_LASTS = timedelta(minutes=10)

PUBLIC = frozenset(
    {
        ("POST", "/api/v1/session"),
        ("POST", "/api/v1/session/password/forgot"),
        ("POST", "/api/v1/session/password/reset"),
        ("GET", "/api/v1/session/providers"),
        ("POST", "/api/v1/session/providers/{provider}"),
        ("GET", "/api/v1/session/providers/return"),
        ("POST", "/api/v1/invitations/look"),
        ("POST", "/api/v1/invitations/accept"),
        ("GET", "/api/v1/openapi.json"),
        ("GET", "/schemas/types"),
        ("GET", "/schemas/ids/{schema_id}"),
        ("GET", "/schemas/ids/{schema_id}/versions"),
        ("GET", "/subjects"),
        ("POST", "/subjects/{subject}"),
        ("GET", "/subjects/{subject}/versions"),
        ("GET", "/subjects/{subject}/versions/{version}"),
        ("GET", "/config"),
    }
)
"""Routes for whoever comes: what leads to a session, and what is nobody's data."""

SELF_CHECKED = {("WEBSOCKET", "/api/v1/stream"): Permission.EVENTS_READ}
"""Routes that ask for their permission themselves: browsers open this one with a ticket."""


def credentials_of(connection: HTTPConnection) -> Credentials:
    """Return what a request carries to say who it is."""
    return Credentials(
        authorization=connection.headers.get("authorization"),
        session=connection.cookies.get(SESSION_COOKIE),
        csrf=connection.headers.get(CSRF_HEADER),
        safe=connection.scope.get("method", "GET") in SAFE_METHODS,
        source=connection.client.host if connection.client else "",
    )


async def somebody(connection: HTTPConnection, parts: Parts) -> Principal:
    """Return who asks, whatever it may do; 401 for nobody."""
    try:
        principal = await authenticate(parts.database, credentials_of(connection))
    except Forged as error:
        raise not_ours(str(error)) from None
    if principal is None:
        raise nobody()
    return principal


class Guard:
    """The dependency of a route that needs a permission; tests read ``permission`` off it."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, connection: HTTPConnection, parts: Parts) -> Principal:
        """Return who asks; 401 for nobody, 403 for one who may not."""
        principal = await somebody(connection, parts)
        check(principal, self.permission, safe=connection.scope.get("method") in SAFE_METHODS)
        return principal


def allow(permission: Permission) -> Any:
    """Return the dependency for ``Annotated[Principal, allow(...)]``."""
    return Depends(Guard(permission))


def check(principal: Principal, permission: Permission, *, safe: bool) -> None:
    """Insist on a permission, and on a fresh second factor where it is dangerous."""
    if not principal.may(permission):
        raise Problem(
            403,
            "forbidden",
            "Not allowed",
            f"this needs the permission {permission.value}; ask an owner or admin for it",
        )
    if safe or principal.kind == "key" or permission not in STEP_UP:
        return
    stepped_up_at = principal.stepped_up_at
    if stepped_up_at is None or datetime.now(UTC) - stepped_up_at > STEP_UP_LASTS:
        raise needs_proof()


def client_of(connection: HTTPConnection) -> Client:
    """Return where a request comes from."""
    return Client(
        source=connection.client.host if connection.client else "",
        browser=connection.headers.get("user-agent", ""),
        device=connection.cookies.get(DEVICE_COOKIE, ""),
    )


def same_site_only(connection: HTTPConnection) -> None:
    """Refuse what a page of another site lets a browser send: nobody is logged in by strangers."""
    if connection.headers.get("sec-fetch-site", "same-origin") == "cross-site":
        raise not_ours("a page of another site sent this")


def nobody() -> Problem:
    """Return the answer for whom nothing valid names."""
    return Problem(
        401,
        "unauthenticated",
        "Who are you?",
        "log in at POST /api/v1/session, or send an API key as `Authorization: Bearer KEY`",
        headers={"WWW-Authenticate": "Bearer"},
    )


def not_ours(detail: str) -> Problem:
    """Return the answer for what another site's page may have sent."""
    return Problem(403, "csrf", "Not from our page", detail)


def needs_proof() -> Problem:
    """Return the answer for whoever must prove a second factor first."""
    return Problem(
        403,
        "step-up-required",
        "Prove it is you",
        "prove a second factor at POST /api/v1/session/step-up, then try again; "
        "GET /api/v1/session/factors tells which you have",
    )
