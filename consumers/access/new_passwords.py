"""Changing a password, and setting one anew by a link in a mail."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from consumers.access.messages import Messenger
from consumers.access.meters import (
    ACCOUNT_AT_SOURCE,
    CODE,
    LINKS_SENT,
    SOURCE,
    TOKENS_TRIED,
    TooOften,
    give_back,
    meter,
    source_of,
    take,
)
from consumers.access.passwords import check_password, hashed, verified
from consumers.access.sessions import (
    Client,
    Current,
    Opened,
    end_sessions,
    forget_devices,
    remember_device,
    renew,
)
from consumers.access.tokens import digest, new_token
from consumers.access.trails import note_user
from consumers.access.users import find_user
from consumers.store.database import Connection, Database
from schemas.errors import Rejected

LINK_LASTS = timedelta(minutes=30)
PURPOSE = "password"
_MINUTES = int(LINK_LASTS.total_seconds()) // 60


async def change_password(
    database: Database, session: Current, old: str, new: str, client: Client
) -> Opened:
    """Change the password of somebody logged in; all their other sessions end.

    Raises:
        Rejected: the old one is wrong, or the new one is weak.
        TooOften: too many tries before this one.
    """
    check_password(new, session.mail)
    tried = meter(CODE, "old password", str(session.session_id))
    async with database.system() as connection:
        await take(connection, [tried])
    if not await verified(old, session.password_hash):
        raise Rejected(
            "the old password is wrong; who has none sets one by a link: "
            "POST /api/v1/session/password/forgot",
            reason="wrong-credentials",
        )
    kept = await hashed(new)
    async with database.system() as connection:
        await give_back(connection, [tried])
        ended = await _set(
            connection, session.user_id, kept, but=session.session_id, device=client.device
        )
        opened = await renew(connection, session.session_id, proved=False)
        await note_user(
            connection,
            *(session.user_id, session.mail, "password.change", client.source),
            {"sessions_ended": ended},
            session_id=session.session_id,
        )
    return opened


async def ask_for_link(database: Database, mail: str, client: Client) -> None:
    """Count a wish for a link, whether there is such a user or not.

    Raises:
        TooOften: too many from this source.
    """
    source = source_of(client.source)
    async with database.system() as connection:
        await take(
            connection,
            [
                meter(ACCOUNT_AT_SOURCE, "forgot", mail, source),
                meter(SOURCE, "forgot-source", source),
            ],
        )


async def send_link(
    database: Database, messenger: Messenger, base_url: str, mail: str, client: Client
) -> None:
    """Send the link, if there is such a user; its work and time are nobody's to see.

    Raises:
        Retryable: the mail server did not take it.
    """
    if messenger.mail is None:
        return
    async with database.system() as connection:
        user = await find_user(connection, mail)
        if user is None or user["disabled_at"] is not None:
            return
        try:
            # Earlier links stay good: a stranger who asks for more cannot take them away.
            await take(connection, [meter(LINKS_SENT, "link", mail)])
        except TooOften:
            return
        token = new_token()
        await connection.execute(
            "INSERT INTO one_time_codes (user_id, purpose, target, code_hash, expires_at) "
            "VALUES (%s, %s, %s, %s, now() + %s)",
            [user["user_id"], PURPOSE, mail, digest(token), LINK_LASTS],
        )
        await note_user(connection, user["user_id"], mail, "password.link", client.source)
    # Behind the hash sign: browsers send that to no server, and no log holds it.
    text = (
        f"Somebody, hopefully you, wants to set a new password for {mail}:\n\n"
        f"{base_url}/password#{token}\n\n"
        f"The link works once, within {_MINUTES} minutes. If it was not you, do nothing."
    )
    await messenger.mail.send(mail, "Set your password for Sightline", text)


async def set_password(database: Database, token: str, new: str, client: Client) -> tuple[str, str]:
    """Set the password by a link; all sessions end. Returns the mail address and the device's token.

    A second factor stays due at the next login: the link proves the mailbox and nothing else.

    Raises:
        Rejected: the link is wrong, late or used, or the password is weak.
        TooOften: too many tries of links from this source.
    """
    async with database.system() as connection:
        await take(connection, [meter(TOKENS_TRIED, "token", source_of(client.source))])
        found = await connection.execute(
            "SELECT u.mail FROM one_time_codes c JOIN users u USING (user_id) "
            "WHERE c.code_hash = %s AND c.purpose = %s",
            [digest(token), PURPOSE],
        )
        row = await found.fetchone()
    if row is not None:
        check_password(new, row["mail"])
    kept = await hashed(new)
    async with database.system() as connection:
        found = await connection.execute(
            "DELETE FROM one_time_codes c USING users u WHERE c.code_hash = %s AND c.purpose = %s "
            "AND c.expires_at > now() AND u.user_id = c.user_id AND u.disabled_at IS NULL "
            "RETURNING u.user_id, u.mail",
            [digest(token), PURPOSE],
        )
        user = await found.fetchone()
        if user is None:
            raise Rejected("the link is wrong, late or used: ask for a new one", reason="bad-link")
        ended = await _set(connection, user["user_id"], kept)
        device = await remember_device(connection, user["user_id"], client.device)
        await note_user(
            connection,
            *(user["user_id"], user["mail"], "password.reset", client.source),
            {"sessions_ended": ended},
        )
    return user["mail"], device


async def tell_change(messenger: Messenger, mail: str) -> None:
    """Tell a user by mail that the password was changed.

    Raises:
        Retryable: the mail server did not take it.
    """
    if messenger.mail is not None:
        await messenger.mail.send(
            mail,
            "Your password for Sightline was changed",
            "Your password was changed and your other sessions have ended. If it was not you, set a "
            "new one at once by `forgot password`, and tell an owner of your organisation.",
        )


async def _set(
    connection: Connection, user_id: UUID, kept: str, *, but: UUID | None = None, device: str = ""
) -> int:
    await connection.execute(
        "UPDATE users SET password_hash = %s, password_changed_at = now() WHERE user_id = %s",
        [kept, user_id],
    )
    # Links and codes under way, and browsers that are known, were the old password's.
    await connection.execute("DELETE FROM one_time_codes WHERE user_id = %s", [user_id])
    await forget_devices(connection, user_id, but=device)
    return await end_sessions(connection, user_id, but=but)
