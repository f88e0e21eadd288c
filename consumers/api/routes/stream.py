"""Events as they happen: WebSocket and server-sent events.

`consumers.realtime.frames` describes the messages, `consumers.realtime.websocket` what a client may
say, ADR 19 why it is so.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any, cast
from urllib.parse import urlsplit

from fastapi import APIRouter, FastAPI, Header, Query, Request, WebSocket
from fastapi.responses import Response
from pydantic import BaseModel, Field, ValidationError
from starlette.requests import HTTPConnection

from consumers.access.authenticate import Reference, reference, still_valid
from consumers.access.permissions import Permission
from consumers.access.principal import Principal
from consumers.api.context import Context, Parts
from consumers.api.problems import Problem
from consumers.api.security import allow, check, credentials_of, somebody
from consumers.realtime import tickets
from consumers.realtime.event_source import EventSourceResponse
from consumers.realtime.frames import EVENT_SOURCE, WEBSOCKET
from consumers.realtime.hub import Hub
from consumers.realtime.kinds import SOURCES
from consumers.realtime.positions import MAX_TOKEN_CHARACTERS
from consumers.realtime.selection import Selection
from consumers.realtime.websocket import carry
from infra.runtime.settings import Settings

_LISTS = frozenset(Selection.model_fields)


@asynccontextmanager
async def _hub(app: FastAPI) -> AsyncIterator[None]:
    context: Context = app.state.context
    settings = context.settings
    async with Hub(
        settings.need("cloud_kafka"), context.database, settings.need("secret_key")
    ) as hub:
        app.state.hub = hub
        yield


router = APIRouter(tags=["stream"], lifespan=_hub)


class Following(Selection):
    """What to follow, and from where on."""

    resume: str | None = Field(
        None,
        max_length=MAX_TOKEN_CHARACTERS,
        description="The `position` of the last message that was dealt with.",
    )


class Ticket(BaseModel):
    """Opens one WebSocket, soon."""

    ticket: str = Field(description="For `GET /api/v1/stream?ticket=`; works once.")
    expires_at: datetime


@router.get(
    "/api/v1/events/stream",
    name="stream_events",
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def stream_events(
    request: Request,
    parts: Parts,
    principal: Annotated[Principal, allow(Permission.EVENTS_READ)],
    following: Annotated[Following, Query()],
    last_event_id: Annotated[
        str | None, Header(max_length=MAX_TOKEN_CHARACTERS, description="As `resume`.")
    ] = None,
) -> Response:
    """Follow events as server-sent events.

    A browser's EventSource goes on where it was by itself.
    """
    selection = _selection(following)
    _check(principal, selection)
    known = reference(credentials_of(request))
    assert known is not None
    resume = last_event_id or following.resume
    hub = hub_of(request)
    return EventSourceResponse(
        lambda: hub.following(EVENT_SOURCE, known, principal, selection, resume)
    )


@router.post("/api/v1/stream/tickets", name="make_stream_ticket", status_code=201)
async def make_ticket(
    request: Request,
    parts: Parts,
    principal: Annotated[Principal, allow(Permission.EVENTS_READ)],
) -> Ticket:
    """Make a ticket for a browser that works with an API key: it can send no header with a WebSocket."""
    known = reference(credentials_of(request))
    assert known is not None
    ticket, expires_at = await tickets.issue(parts.database, known)
    return Ticket(ticket=ticket, expires_at=expires_at)


@router.websocket("/api/v1/stream", name="stream")
async def stream(socket: WebSocket, parts: Parts) -> None:
    """Follow events over a WebSocket; parameters as of the events' stream, and ``ticket``."""
    following, ticket = _asked(socket)
    known, principal = await _client(socket, parts, ticket)
    selection = _selection(following)
    _check(principal, selection)
    opened = hub_of(socket).following(WEBSOCKET, known, principal, selection, following.resume)
    async with opened as session:
        await socket.accept()
        await carry(socket, session)


def hub_of(connection: HTTPConnection) -> Hub:
    """Return the hub of the app that a request came to."""
    return cast(Hub, connection.app.state.hub)


def origin(settings: Settings) -> str:
    """Return the origin of pages that are served beside this API, as browsers write it.

    >>> origin(Settings(public_url="https://Video.example:443/console"))
    'https://video.example'
    """
    url = urlsplit(settings.public_url or f"http://{settings.listen}")
    usual = {"http": 80, "https": 443}.get(url.scheme)
    port = f":{url.port}" if url.port and url.port != usual else ""
    return f"{url.scheme}://{url.hostname}{port}"


async def _client(
    socket: WebSocket, parts: Context, ticket: str | None
) -> tuple[Reference, Principal]:
    credentials = credentials_of(socket)
    if ticket is not None:
        known = await tickets.redeem(parts.database, ticket, credentials.source)
        found = await still_valid(parts.database, [known]) if known is not None else {}
        if known is None or known not in found:
            raise Problem(
                401,
                "bad-ticket",
                "No such ticket",
                "a ticket works once and for a short while: make one with "
                "POST /api/v1/stream/tickets and use it at once",
            )
        return known, found[known]
    principal = await somebody(socket, parts)
    known = reference(credentials)
    assert known is not None
    # A browser sends its cookies along with WebSockets that pages of others open.
    if known.kind == "user" and socket.headers.get("origin") != origin(parts.settings):
        raise Problem(
            403,
            "foreign-origin",
            "Not from our page",
            "a session's cookie opens a stream for pages of SIGHTLINE_PUBLIC_URL alone: open the "
            "console there, or send an API key",
        )
    return known, principal


def _asked(socket: WebSocket) -> tuple[Following, str | None]:
    parameters = socket.query_params
    said: dict[str, Any] = {
        name: parameters.getlist(name) if name in _LISTS else parameters[name]
        for name in parameters
        if name != "ticket"
    }
    try:
        return Following.model_validate(said), parameters.get("ticket")
    except ValidationError as error:
        faults = [
            {"where": ".".join(("query", *map(str, one["loc"]))), "what": one["msg"]}
            for one in error.errors(include_url=False, include_input=False)
        ]
        detail = "the parameters do not fit the description of GET /api/v1/events/stream"
        raise Problem(422, "invalid", "Invalid request", detail, errors=faults) from None


def _selection(following: Following) -> Selection:
    return Selection(**{name: getattr(following, name) for name in _LISTS})


def _check(principal: Principal, selection: Selection) -> None:
    for kind in sorted(selection.kind):
        check(principal, SOURCES[kind].permission, safe=True)
