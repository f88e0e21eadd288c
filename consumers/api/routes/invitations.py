"""Inviting people by mail, and accepting an invitation."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import HTTPConnection

from consumers.access.audit import note
from consumers.access.invitations import accept, find_invitation, invite, send_invitation
from consumers.access.limits import limits_of
from consumers.access.messages import Messenger
from consumers.access.meters import TOKENS_TRIED, meter, source_of, take
from consumers.access.passwords import check_password, hashed
from consumers.access.permissions import Permission, Role
from consumers.access.principal import Principal
from consumers.access.sessions import open_session
from consumers.access.tokens import digest
from consumers.api.context import Context, Parts
from consumers.api.limits_body import checked, shown
from consumers.api.problems import Problem, not_found
from consumers.api.routes.session import LoggedIn, logged_in
from consumers.api.routes.users import check_grant
from consumers.api.security import allow, client_of, same_site_only
from consumers.api.shapes.people import Invitation, LimitsBody
from consumers.api.texts import Mail, OptionalLine, Secret
from consumers.store.database import Connection
from schemas.errors import Rejected

router = APIRouter(tags=["people"])


class NewInvitation(BaseModel):
    """Who is invited to be what."""

    model_config = ConfigDict(extra="forbid")

    mail: Mail
    role: Role
    limits: LimitsBody | None = Field(None, description="Null: limited to nothing.")


class Token(BaseModel):
    """What stands in the link behind the hash sign."""

    model_config = ConfigDict(extra="forbid")

    token: Secret


class Invited(BaseModel):
    """What a link invites to."""

    organisation: str
    mail: str
    role: Role
    has_account: bool = Field(description="No password is asked for: log in afterwards.")


class Acceptance(BaseModel):
    """What stands in the link behind the hash sign; name and password of who has no account."""

    model_config = ConfigDict(extra="forbid")

    token: Secret
    name: OptionalLine = ""
    password: Secret | None = None


class Accepted(BaseModel):
    """A member; logged in at once if the account is new."""

    organisation_id: UUID
    user_id: UUID
    session: LoggedIn | None = Field(description="Null: log in with the account that you have.")


Reader = Annotated[Principal, allow(Permission.USERS_READ)]
Writer = Annotated[Principal, allow(Permission.USERS_WRITE)]


@router.get("/api/v1/invitations", name="list_invitations")
async def list_open(parts: Parts, principal: Reader) -> list[Invitation]:
    """List the invitations that can still be accepted, by mail address."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        found = await connection.execute(
            "SELECT * FROM invitations WHERE expires_at > now() ORDER BY mail LIMIT 1000"
        )
        rows = await found.fetchall()
    return [_invitation(row) for row in rows]


@router.post("/api/v1/invitations", name="invite", status_code=201)
async def make(body: NewInvitation, parts: Parts, principal: Writer) -> Invitation:
    """Invite somebody by mail; an earlier invitation of theirs is void."""
    check_grant(principal, body.role)
    mailer = Messenger.from_settings(parts.settings).mail
    if mailer is None:
        raise Problem(
            422,
            "no-way",
            "No mail",
            "this cloud sends no mail: its operators invite by `sightline users invite`",
        )
    own = principal.organisation_id
    async with parts.database.system() as connection:
        limits = await checked(connection, own, body.limits)
        made = await invite(
            connection, own, body.mail, body.role, limits, await _maker(connection, principal)
        )
        await note(
            connection,
            principal,
            "invitation.make",
            body.mail,
            {
                "role": body.role.value,
                "limits": body.limits and body.limits.model_dump(mode="json"),
            },
        )
        found = await connection.execute(
            "SELECT i.*, o.name AS organisation FROM invitations i "
            "JOIN organisations o USING (organisation_id) WHERE invitation_id = %s",
            [made.invitation_id],
        )
        row = await found.fetchone()
        assert row is not None
    # Behind the commit: a slow mail server holds no connection, and sent again it is another link.
    await send_invitation(mailer, made, body.mail, row["organisation"], parts.settings.base_url)
    return _invitation(row)


@router.delete("/api/v1/invitations/{invitation_id}", name="withdraw_invitation", status_code=204)
async def withdraw(invitation_id: UUID, parts: Parts, principal: Writer) -> None:
    """Withdraw an invitation."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        found = await connection.execute(
            "DELETE FROM invitations WHERE invitation_id = %s RETURNING mail, role",
            [invitation_id],
        )
        row = await found.fetchone()
        if row is None:
            raise not_found("invitation")
        check_grant(principal, Role(row["role"]))
        await note(connection, principal, "invitation.withdraw", row["mail"])


@router.post(
    "/api/v1/invitations/look", name="look_at_invitation", dependencies=[Depends(same_site_only)]
)
async def look(body: Token, connection: HTTPConnection, parts: Parts) -> Invited:
    """Tell what an invitation is for."""
    await _tried(connection, parts)
    async with parts.database.system() as database:
        found = await find_invitation(database, digest(body.token.get_secret_value()))
    return Invited(
        organisation=found["organisation"],
        mail=found["mail"],
        role=found["role"],
        has_account=found["user_id"] is not None,
    )


@router.post(
    "/api/v1/invitations/accept",
    name="accept_invitation",
    dependencies=[Depends(same_site_only)],
)
async def join_in(
    body: Acceptance, connection: HTTPConnection, response: Response, parts: Parts
) -> Accepted:
    """Accept an invitation, which works once: become a member, with a new account if need be."""
    await _tried(connection, parts)
    token_hash = digest(body.token.get_secret_value())
    async with parts.database.system() as database:
        found = await find_invitation(database, token_hash)
    is_new = found["user_id"] is None
    kept = await _kept_password(body, found["mail"]) if is_new else None
    client = client_of(connection)
    async with parts.database.system() as database:
        found = await find_invitation(database, token_hash)
        user_id = await accept(database, found, body.name, kept, client.source)
        opened = (
            await open_session(database, user_id, found["organisation_id"], client, pending=False)
            if is_new
            else None
        )
    session = await logged_in(connection, response, parts, opened) if opened else None
    return Accepted(organisation_id=found["organisation_id"], user_id=user_id, session=session)


async def _kept_password(body: Acceptance, mail: str) -> str:
    if body.password is None:
        raise Rejected("choose a password: this account is new", reason="no-password")
    password = body.password.get_secret_value()
    check_password(password, mail)
    return await hashed(password)


async def _maker(connection: Connection, principal: Principal) -> UUID | None:
    """Return the member whose word an invitation is; None for a key of the cloud's operators."""
    if principal.kind == "user":
        return principal.subject_id
    found = await connection.execute(
        "SELECT made_by FROM api_keys WHERE key_id = %s", [principal.subject_id]
    )
    row = await found.fetchone()
    return None if row is None else row["made_by"]


async def _tried(connection: HTTPConnection, parts: Context) -> None:
    source = source_of(client_of(connection).source)
    async with parts.database.system() as database:
        await take(database, [meter(TOKENS_TRIED, "token", source)])


def _invitation(row: Any) -> Invitation:
    return Invitation(
        invitation_id=row["invitation_id"],
        mail=row["mail"],
        role=row["role"],
        limits=shown(limits_of(row)),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
    )
