"""Changing one's password, and setting it anew by a link in a mail."""

from __future__ import annotations

from fastapi import APIRouter, BackgroundTasks, Depends, Response
from pydantic import BaseModel, ConfigDict
from starlette.requests import HTTPConnection

from consumers.access.messages import Messenger
from consumers.access.new_passwords import (
    ask_for_link,
    change_password,
    send_link,
    set_password,
    tell_change,
)
from consumers.api.context import Parts
from consumers.api.cookies import set_device
from consumers.api.own_session import OwnSession
from consumers.api.problems import Problem
from consumers.api.routes.session import LoggedIn, logged_in
from consumers.api.security import client_of, same_site_only
from consumers.api.texts import Mail, Secret
from schemas.errors import Rejected

router = APIRouter(tags=["session"])


class Change(BaseModel):
    """The password as it is, and as it shall be."""

    model_config = ConfigDict(extra="forbid")

    old: Secret
    new: Secret


class Forgotten(BaseModel):
    """Whose password is forgotten."""

    model_config = ConfigDict(extra="forbid")

    mail: Mail


class Reset(BaseModel):
    """What stands in the link behind the hash sign, and the new password."""

    model_config = ConfigDict(extra="forbid")

    token: Secret
    password: Secret


@router.put("/api/v1/session/password", name="change_password")
async def change(
    body: Change,
    connection: HTTPConnection,
    response: Response,
    parts: Parts,
    held: OwnSession,
    later: BackgroundTasks,
) -> LoggedIn:
    """Change one's password: all one's other sessions end, and this one gets a new token."""
    try:
        opened = await change_password(
            parts.database,
            held.session,
            body.old.get_secret_value(),
            body.new.get_secret_value(),
            client_of(connection),
        )
    except Rejected as error:
        if error.reason == "wrong-credentials":
            raise Problem(403, error.reason, "Not changed", str(error)) from None
        raise
    later.add_task(tell_change, Messenger.from_settings(parts.settings), held.session.mail)
    return await logged_in(connection, response, parts, opened)


@router.post(
    "/api/v1/session/password/forgot",
    name="forgot_password",
    status_code=202,
    dependencies=[Depends(same_site_only)],
)
async def forgot(
    body: Forgotten, connection: HTTPConnection, parts: Parts, later: BackgroundTasks
) -> None:
    """Ask for a link by mail; the answer is the same whether there is such a user or not."""
    messenger = Messenger.from_settings(parts.settings)
    if messenger.mail is None:
        raise Problem(
            422, "no-way", "No mail", "this cloud sends no mail: ask its operators for a link"
        )
    client = client_of(connection)
    await ask_for_link(parts.database, body.mail, client)
    later.add_task(send_link, parts.database, messenger, parts.settings.base_url, body.mail, client)


@router.post(
    "/api/v1/session/password/reset",
    name="reset_password",
    status_code=204,
    dependencies=[Depends(same_site_only)],
)
async def reset(
    body: Reset,
    connection: HTTPConnection,
    response: Response,
    parts: Parts,
    later: BackgroundTasks,
) -> None:
    """Set the password by a link: all sessions end; log in with it, and the second factor if any."""
    mail, device = await set_password(
        parts.database,
        body.token.get_secret_value(),
        body.password.get_secret_value(),
        client_of(connection),
    )
    set_device(response, parts, device)
    later.add_task(tell_change, Messenger.from_settings(parts.settings), mail)
