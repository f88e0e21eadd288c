"""Logging in through an identity provider (OpenID Connect)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, cast

from fastapi import APIRouter, Cookie, Depends, FastAPI, Query, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.requests import HTTPConnection

from consumers.access.meters import TOKENS_TRIED, meter, source_of, take
from consumers.access.oidc import Conversation, Provider, read_providers
from consumers.access.provider_login import LOGIN_LASTS, depart, let_in, returned
from consumers.access.tokens import same
from consumers.api.context import Context, Parts
from consumers.api.cookies import PROVIDER_COOKIE, drop_cookie, set_provider_state
from consumers.api.problems import not_found
from consumers.api.routes.session import logged_in
from consumers.api.security import client_of, same_site_only
from consumers.api.texts import Secret, Slug
from schemas.errors import Rejected


@asynccontextmanager
async def _readable(app: FastAPI) -> AsyncIterator[None]:
    # Said at the start, not to whoever first logs in.
    read_providers(cast(Context, app.state.context).settings.oidc)
    yield


router = APIRouter(tags=["session"], lifespan=_readable)
RETURN_PATH = "/api/v1/session/providers/return"
# A path of this host: neither "//host" nor a backslash, which some browsers take for the same.
Landing = Annotated[str, StringConstraints(pattern=r"^/([A-Za-z0-9_.~-][A-Za-z0-9_.~/-]{0,400})?$")]
Word = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,2000}$")]


class ProviderShown(BaseModel):
    """An identity provider that somebody can choose."""

    name: str
    organisation: str = Field(description="Slug of the organisation whose people it knows.")


class Begin(BaseModel):
    """Where to land afterwards, and an invitation to accept on the way."""

    model_config = ConfigDict(extra="forbid")

    landing: Landing = "/"
    invitation: Secret | None = None


class Begun(BaseModel):
    """Where the page sends the browser now."""

    url: str


@router.get("/api/v1/session/providers", name="list_providers")
async def list_all(parts: Parts) -> list[ProviderShown]:
    """List the identity providers of this cloud."""
    found = read_providers(parts.settings.oidc)
    return [ProviderShown(name=one.name, organisation=one.organisation) for one in found.values()]


@router.post(
    "/api/v1/session/providers/{provider}",
    name="begin_provider_login",
    dependencies=[Depends(same_site_only)],
)
async def begin(
    provider: Slug,
    body: Begin,
    connection: HTTPConnection,
    response: Response,
    parts: Parts,
) -> Begun:
    """Begin a login: the answer tells the provider's page, and binds the way back to this browser."""
    chosen = _provider(parts, provider)
    async with parts.database.system() as database:
        source = source_of(client_of(connection).source)
        await take(database, [meter(TOKENS_TRIED, "provider", source)])
    async with _conversation(parts, chosen) as conversation:
        departure = await depart(
            parts.database,
            chosen,
            conversation,
            body.landing,
            body.invitation.get_secret_value() if body.invitation else None,
        )
    set_provider_state(response, parts, departure.state, LOGIN_LASTS)
    return Begun(url=departure.url)


@router.get(
    RETURN_PATH,
    name="end_provider_login",
    status_code=303,
    response_class=RedirectResponse,
    responses={303: {"description": "To the page to land on, with the session's cookie."}},
)
async def come_back(
    connection: HTTPConnection,
    parts: Parts,
    state: Annotated[Word, Query()],
    code: Annotated[Word | None, Query()] = None,
    error: Annotated[Word | None, Query()] = None,
    begun: Annotated[str | None, Cookie(alias=PROVIDER_COOKIE, include_in_schema=False)] = None,
) -> Response:
    """Where the provider sends the browser back to.

    A refusal lands too, with its word behind the hash sign: `#problem=not-linked`.
    """
    if begun is None or not same(begun, state):
        raise Rejected("this login was begun by another browser: begin again", reason="bad-state")
    login = await returned(parts.database, state)
    try:
        if code is None or error is not None:
            raise Rejected("the provider let nobody in", reason="provider-refused")
        chosen = _provider(parts, login["provider"])
        async with _conversation(parts, chosen) as conversation:
            claims = await conversation.claims(
                code=code, nonce=login["nonce"], verifier=login["verifier"]
            )
        opened = await let_in(
            parts.database, chosen, claims, login["invitation_hash"], client_of(connection)
        )
    except Rejected as refusal:
        return _land(f"{login['landing']}#problem={refusal.reason}")
    response = _land(login["landing"])
    found = await logged_in(connection, response, parts, opened)
    if found.second_factor:
        response.headers["Location"] = f"{login['landing']}#second-factor"
    return response


def _land(place: str) -> Response:
    response = RedirectResponse(place, status_code=303)
    drop_cookie(response, PROVIDER_COOKIE)
    return response


def _provider(parts: Context, name: str) -> Provider:
    chosen = read_providers(parts.settings.oidc).get(name)
    if chosen is None:
        raise not_found("identity provider")
    return chosen


def _conversation(parts: Context, provider: Provider) -> Conversation:
    return Conversation(provider, parts.settings.base_url + RETURN_PATH)
