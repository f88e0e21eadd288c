"""Routes that need no permission but somebody: what concerns whoever asks, and their session alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends
from starlette.requests import HTTPConnection

from consumers.access.authenticate import Forged, check_csrf
from consumers.access.principal import Principal
from consumers.access.sessions import Current, current
from consumers.api.context import Parts
from consumers.api.problems import Problem
from consumers.api.security import (
    STEP_UP_LASTS,
    credentials_of,
    needs_proof,
    nobody,
    not_ours,
    somebody,
)


def require_person(principal: Principal) -> None:
    """Refuse a key what only a logged-in user can do; 403."""
    if principal.kind != "user":
        raise Problem(
            403,
            "needs-person",
            "Only for people",
            "an API key cannot do this: log in at POST /api/v1/session",
        )


async def _person(connection: HTTPConnection, parts: Parts) -> Principal:
    principal = await somebody(connection, parts)
    require_person(principal)
    return principal


@dataclass(frozen=True, slots=True)
class Held:
    """The session of a browser, complete or not, and its token."""

    session: Current
    token: str


async def _held(connection: HTTPConnection, parts: Parts) -> Held:
    credentials = credentials_of(connection)
    token = credentials.session
    if not token:
        raise nobody()
    async with parts.database.system() as database:
        session = await current(database, token)
    if session is None:
        raise nobody()
    if not credentials.safe:
        try:
            check_csrf(token, credentials.csrf)
        except Forged as error:
            raise not_ours(str(error)) from None
    return Held(session, token)


async def _complete(held: Annotated[Held, Depends(_held)]) -> Held:
    if held.session.pending:
        raise nobody()
    return held


async def _proved(held: Annotated[Held, Depends(_complete)]) -> Held:
    require_proof(held.session)
    return held


Anybody = Annotated[Principal, Depends(somebody)]
"""For routes that concern whoever asks alone: no permission is needed."""
Person = Annotated[Principal, Depends(_person)]
"""The same, for a user's session only."""
BeginningSession = Annotated[Held, Depends(_held)]
"""A user's session, also while its second factor is due."""
OwnSession = Annotated[Held, Depends(_complete)]
"""A user's session, for what concerns their own account."""
ProvedSession = Annotated[Held, Depends(_proved)]
"""The same, proved a short while ago."""
SIGNED_IN: frozenset[Any] = frozenset({somebody, _person, _held, _complete, _proved})
"""What stands before a route that needs no permission but somebody; tests read it."""


def require_proof(session: Current) -> None:
    """Insist on a fresh second factor; on a fresh login, of whom has none yet."""
    has_factor = session.has_authenticator or session.phone is not None
    proved_at = session.stepped_up_at if has_factor else session.proved_at
    if proved_at is None or datetime.now(UTC) - proved_at > STEP_UP_LASTS:
        raise needs_proof()
