"""Second factors: proving them, sending codes, enrolling an authenticator or a phone."""

from __future__ import annotations

import base64
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from starlette.requests import HTTPConnection

from consumers.access.enrolling import Enroller
from consumers.access.factors import Method, methods_of, recovery_codes_left
from consumers.access.messages import Messenger
from consumers.access.sealing import Sealer
from consumers.access.sessions import Opened
from consumers.access.stepping import Prover
from consumers.access.tokens import csrf_token
from consumers.api.context import Context, Parts
from consumers.api.own_session import BeginningSession, Held, ProvedSession
from consumers.api.problems import Problem
from consumers.api.routes.session import LoggedIn, logged_in
from consumers.api.security import client_of
from schemas.errors import Rejected

router = APIRouter(tags=["second factors"])
Code = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9 -]{4,40}$"),
    # Phones show codes in two halves.
    AfterValidator(lambda code: code.replace(" ", "")),
]
Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]


class Proof(BaseModel):
    """A code, and where it comes from."""

    model_config = ConfigDict(extra="forbid")

    method: Method
    code: Code


class Wanted(BaseModel):
    """Where a code is to be sent."""

    model_config = ConfigDict(extra="forbid")

    method: Method = Field(description="`mail` or `phone`.")


class Given(BaseModel):
    """A code."""

    model_config = ConfigDict(extra="forbid")

    code: Code


class NewPhone(BaseModel):
    """A phone that takes short messages."""

    model_config = ConfigDict(extra="forbid")

    number: Phone = Field(description="E.164, such as +4915112345678.")


class Factors(BaseModel):
    """What somebody can prove themselves by."""

    methods: list[Method] = Field(description="For a step-up, the best first.")
    authenticator: bool
    recovery_codes: int = Field(description="How many are left.")
    phone: str | None = Field(description="Its last digits, once confirmed.")


class Enrolment(BaseModel):
    """An authenticator to be confirmed by its first code."""

    link: str = Field(description="otpauth://…, for who cannot take the picture.")
    svg: str = Field(description="The link as a QR code.")
    png: str = Field(description="The same picture, in base64.")


class RecoveryCodes(BaseModel):
    """Codes to be kept on paper; each works once. They are told this once."""

    codes: list[str]


@router.post("/api/v1/session/step-up", name="step_up")
async def prove(
    body: Proof,
    connection: HTTPConnection,
    response: Response,
    parts: Parts,
    held: BeginningSession,
) -> LoggedIn:
    """Prove a second factor: it completes a login, and lets dangerous things by for ten minutes."""
    try:
        opened = await _prover(parts).step_up(
            held.session, body.method, body.code, client_of(connection)
        )
    except Rejected as error:
        raise _refused(error) from None
    return await _proved(connection, response, parts, held, opened)


@router.post("/api/v1/session/codes", name="send_code", status_code=202)
async def send(
    body: Wanted, connection: HTTPConnection, parts: Parts, held: BeginningSession
) -> None:
    """Send a code to the mailbox or phone of whoever asks; it is good for this session only."""
    await _prover(parts).send(held.session, body.method, client_of(connection))


@router.get("/api/v1/session/factors", name="get_factors")
async def show(parts: Parts, held: BeginningSession) -> Factors:
    """Tell what one can prove oneself by."""
    session = held.session
    async with parts.database.system() as database:
        left = await recovery_codes_left(database, session.user_id)
    return Factors(
        methods=methods_of(session, Messenger.from_settings(parts.settings)),
        authenticator=session.has_authenticator,
        recovery_codes=left,
        phone=f"…{session.phone[-3:]}" if session.phone else None,
    )


@router.post("/api/v1/session/authenticator", name="enrol_authenticator")
async def enrol(connection: HTTPConnection, parts: Parts, held: ProvedSession) -> Enrolment:
    """Begin with a new authenticator; one that is there stays good until this one is confirmed."""
    begun = await _enroller(parts).begin(held.session)
    return Enrolment(
        link=begun.link, svg=begun.svg.decode(), png=base64.b64encode(begun.png).decode()
    )


@router.post("/api/v1/session/authenticator/confirm", name="confirm_authenticator")
async def confirm(
    body: Given, connection: HTTPConnection, parts: Parts, held: ProvedSession
) -> RecoveryCodes:
    """Confirm a new authenticator by its code; earlier recovery codes are void."""
    codes = await _enroller(parts).confirm(held.session, body.code, client_of(connection))
    return RecoveryCodes(codes=codes)


@router.delete("/api/v1/session/authenticator", name="remove_authenticator", status_code=204)
async def remove(connection: HTTPConnection, parts: Parts, held: ProvedSession) -> None:
    """Do without an authenticator; its recovery codes are void."""
    await _enroller(parts).remove(held.session, client_of(connection))


@router.post("/api/v1/session/recovery-codes", name="renew_recovery_codes")
async def renew(connection: HTTPConnection, parts: Parts, held: ProvedSession) -> RecoveryCodes:
    """Make new recovery codes; earlier ones are void."""
    codes = await _enroller(parts).renew_recovery_codes(held.session, client_of(connection))
    return RecoveryCodes(codes=codes)


@router.post("/api/v1/session/phone", name="enrol_phone", status_code=202)
async def enrol_phone(
    body: NewPhone, connection: HTTPConnection, parts: Parts, held: ProvedSession
) -> None:
    """Send a code to a phone that shall be a second factor."""
    await _enroller(parts).begin_phone(held.session, body.number, client_of(connection))


@router.post("/api/v1/session/phone/confirm", name="confirm_phone", status_code=204)
async def confirm_phone(
    body: Given, connection: HTTPConnection, parts: Parts, held: ProvedSession
) -> None:
    """Confirm a phone by the code that was sent to it."""
    await _enroller(parts).confirm_phone(held.session, body.code, client_of(connection))


@router.delete("/api/v1/session/phone", name="remove_phone", status_code=204)
async def remove_phone(connection: HTTPConnection, parts: Parts, held: ProvedSession) -> None:
    """Do without a phone."""
    await _enroller(parts).remove_phone(held.session, client_of(connection))


async def _proved(
    connection: HTTPConnection,
    response: Response,
    parts: Context,
    held: Held,
    opened: Opened | None,
) -> LoggedIn:
    if opened is not None:
        return await logged_in(connection, response, parts, opened)
    return LoggedIn(
        session_id=held.session.session_id,
        csrf_token=csrf_token(held.token),
        expires_at=held.session.expires_at,
        second_factor=[],
    )


def _refused(error: Rejected) -> Problem:
    if error.reason == "wrong-code":
        return Problem(403, error.reason, "Not proved", str(error))
    return Problem(422, error.reason, "Refused", str(error))


def _prover(parts: Context) -> Prover:
    return Prover(
        parts.database,
        Sealer(parts.settings.need("secret_key")),
        Messenger.from_settings(parts.settings),
    )


def _enroller(parts: Context) -> Enroller:
    return Enroller(_prover(parts))
