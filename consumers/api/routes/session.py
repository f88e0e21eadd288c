"""Logging in and out, the session that somebody has, and their others."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks, Depends, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import HTTPConnection

from consumers.access.audit import note
from consumers.access.factors import Method, methods_of
from consumers.access.login import Attempt, log_in
from consumers.access.messages import Messenger
from consumers.access.sessions import (
    Opened,
    current,
    end_session,
    end_sessions,
    end_token,
    list_sessions,
    remember_device,
    switch,
)
from consumers.access.sweeping import sweep
from consumers.access.tokens import csrf_token
from consumers.access.users import memberships_of
from consumers.api.context import Context, Parts
from consumers.api.cookies import drop_cookie, set_device, set_session
from consumers.api.own_session import Anybody, OwnSession, Person
from consumers.api.problems import Problem, not_found
from consumers.api.security import (
    STEP_UP_LASTS,
    client_of,
    credentials_of,
    same_site_only,
)
from consumers.api.shapes.people import Asker, Membership, Scope
from consumers.api.texts import Mail, Secret, Slug
from schemas.errors import Rejected

router = APIRouter(tags=["session"])


class Login(BaseModel):
    """A mail address with its password."""

    model_config = ConfigDict(extra="forbid")

    mail: Mail
    password: Secret
    organisation: Slug | None = Field(
        None, description="The one to work for; null: the first of yours by name."
    )


class LoggedIn(BaseModel):
    """A session just opened; its cookie is set beside."""

    session_id: UUID
    csrf_token: str = Field(
        description="To be repeated in the header Sightline-CSRF by whatever changes something."
    )
    expires_at: datetime
    second_factor: list[Method] = Field(
        description="If not empty, the session is good for nothing until one of these is proved at "
        "POST /api/v1/session/step-up."
    )


class Switch(BaseModel):
    """Another organisation of one's own."""

    model_config = ConfigDict(extra="forbid")

    organisation_id: UUID


class Session(BaseModel):
    """A browser that somebody is logged in from."""

    session_id: UUID
    organisation_id: UUID
    source: str = Field(description="Address that it was opened from.")
    browser: str = Field(description="What it calls itself.")
    provider: str = Field(description="Identity provider; empty: by password.")
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    this: bool = Field(description="The one that asks.")


@router.post("/api/v1/session", name="log_in", dependencies=[Depends(same_site_only)])
async def open_by_password(
    body: Login,
    connection: HTTPConnection,
    response: Response,
    parts: Parts,
    later: BackgroundTasks,
) -> LoggedIn:
    """Log in by password."""
    messenger = Messenger.from_settings(parts.settings)
    attempt = Attempt(
        mail=body.mail,
        password=body.password,
        organisation=body.organisation,
        client=client_of(connection),
        mail_works=messenger.mail is not None,
    )
    try:
        opened = await log_in(parts.database, attempt)
    except Rejected as error:
        raise Problem(401, error.reason, "Not logged in", str(error)) from None
    later.add_task(sweep, parts.database)
    return await logged_in(connection, response, parts, opened)


@router.get("/api/v1/session", name="get_session")
async def show(connection: HTTPConnection, parts: Parts, principal: Anybody) -> Asker:
    """Tell who asks and what they may do."""
    async with parts.database.system() as database:
        own = (
            await memberships_of(database, principal.subject_id) if principal.kind == "user" else []
        )
    token = credentials_of(connection).session if principal.kind == "user" else None
    proved_at = principal.stepped_up_at
    return Asker(
        kind=principal.kind,
        subject_id=principal.subject_id,
        name=principal.name,
        organisation_id=principal.organisation_id,
        permissions=sorted(one for one in principal.permissions if principal.may(one)),
        scope=Scope(
            everything=principal.scope.everything,
            sites=sorted(principal.scope.sites),
            cameras=sorted(principal.scope.cameras),
        ),
        session_id=principal.session_id,
        csrf_token=csrf_token(token) if token else None,
        stepped_up_until=proved_at + STEP_UP_LASTS if proved_at else None,
        organisations=[Membership(**one) for one in own],
    )


@router.delete("/api/v1/session", name="log_out", status_code=204)
async def close(response: Response, parts: Parts, principal: Person) -> None:
    """Log out: this session ends."""
    assert principal.session_id is not None
    async with parts.database.system() as database:
        await end_session(database, principal.subject_id, principal.session_id)
        await note(database, principal, "logout", principal.name)
    drop_cookie(response, "sightline_session")


@router.put("/api/v1/session/organisation", name="switch_organisation", status_code=204)
async def work_for(body: Switch, parts: Parts, held: OwnSession, principal: Person) -> None:
    """Work for another organisation of one's own; dangerous things want a new second factor there."""
    async with parts.database.system() as database:
        if not await switch(database, held.session.session_id, body.organisation_id):
            raise not_found("organisation of yours")
        await note(database, principal, "session.switch", str(body.organisation_id))


@router.get("/api/v1/sessions", name="list_sessions")
async def list_own(parts: Parts, principal: Person) -> list[Session]:
    """List one's own sessions, the one used last first."""
    async with parts.database.system() as database:
        rows = await list_sessions(database, principal.subject_id)
    return [Session(**row, this=row["session_id"] == principal.session_id) for row in rows]


@router.delete("/api/v1/sessions", name="end_other_sessions", status_code=204)
async def end_others(parts: Parts, principal: Person) -> None:
    """End all of one's sessions but this one."""
    async with parts.database.system() as database:
        ended = await end_sessions(database, principal.subject_id, but=principal.session_id)
        await note(database, principal, "session.end", principal.name, {"sessions": ended})


@router.delete("/api/v1/sessions/{session_id}", name="end_session", status_code=204)
async def end_one(session_id: UUID, parts: Parts, principal: Person) -> None:
    """End one of one's sessions."""
    async with parts.database.system() as database:
        if not await end_session(database, principal.subject_id, session_id):
            raise not_found("session of yours")
        await note(database, principal, "session.end", str(session_id))


async def logged_in(
    connection: HTTPConnection, response: Response, parts: Context, opened: Opened
) -> LoggedIn:
    """Give a browser its session, and remember it once the login is complete."""
    client = client_of(connection)
    methods: list[Method] = []
    async with parts.database.system() as database:
        before = credentials_of(connection).session
        if before and before != opened.token:
            await end_token(database, before)
        if opened.pending:
            session = await current(database, opened.token)
            if session is not None:
                methods = methods_of(session, Messenger.from_settings(parts.settings))
        else:
            set_device(
                response, parts, await remember_device(database, opened.user_id, client.device)
            )
    set_session(response, parts, opened.token)
    return LoggedIn(
        session_id=opened.session_id,
        csrf_token=csrf_token(opened.token),
        expires_at=opened.expires_at,
        second_factor=methods,
    )
