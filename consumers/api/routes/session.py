"""Logging in and out, second factors, step-up, invitations, identity providers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from consumers.access.login import Attempt, log_in
from consumers.access.principal import Principal
from consumers.access.sessions import Client, Opened, end_session
from consumers.access.tokens import csrf_token
from consumers.api.context import Parts
from consumers.api.problems import Problem
from consumers.api.security import SESSION_COOKIE, somebody
from consumers.api.texts import Mail, Secret, Slug
from schemas.errors import Rejected

router = APIRouter(tags=["session"])


class Login(BaseModel):
    """A mail address with its password."""

    mail: Mail
    password: Secret
    organisation: Slug | None = None


class LoggedIn(BaseModel):
    """A session, and the token that a page repeats in the header Sightline-CSRF."""

    session_id: UUID
    csrf_token: str
    expires_at: datetime


@router.post("/api/v1/session")
async def log_in_by_password(
    body: Login, request: Request, response: Response, parts: Parts
) -> LoggedIn:
    """Log in: the answer sets the session's cookie."""
    client = Client(
        source=request.client.host if request.client else "",
        browser=request.headers.get("user-agent", ""),
    )
    attempt = Attempt(
        mail=body.mail, password=body.password, organisation=body.organisation, client=client
    )
    try:
        opened = await log_in(parts.database, attempt)
    except Rejected as error:
        raise Problem(401, error.reason, "Not logged in", str(error)) from None
    set_session(response, opened, secure=parts.settings.public_url.startswith("https:"))
    return LoggedIn(
        session_id=opened.session_id,
        csrf_token=csrf_token(opened.token),
        expires_at=opened.expires_at,
    )


@router.delete("/api/v1/session", status_code=204)
async def log_out(
    response: Response, parts: Parts, principal: Annotated[Principal, Depends(somebody)]
) -> None:
    """End this session."""
    if principal.session_id is not None:
        async with parts.database.system() as connection:
            await end_session(connection, principal.subject_id, principal.session_id)
    response.delete_cookie(SESSION_COOKIE, path="/")


def set_session(response: Response, opened: Opened, *, secure: bool) -> None:
    """Give the browser its session."""
    response.set_cookie(
        SESSION_COOKIE,
        opened.token,
        expires=opened.expires_at,
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )
