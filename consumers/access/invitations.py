"""Invitations: a link to a mailbox, good once and for a while, makes whoever opens it a member."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from consumers.access.limits import Limits, columns, limits_of
from consumers.access.messages import Mailer
from consumers.access.permissions import ROLES, Role
from consumers.access.tokens import digest, new_token
from consumers.access.trails import note_user
from consumers.access.users import check_role, create_user, find_user, join
from consumers.store.database import Connection
from schemas.errors import Rejected

INVITATION_LASTS = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """An invitation just made: its token is told this once."""

    invitation_id: UUID
    token: str
    expires_at: datetime

    def link(self, base_url: str) -> str:
        """Return the address of the page that accepts it.

        The token stands behind the hash sign: browsers send that to no server, and no log holds it.
        """
        return f"{base_url}/invitation#{self.token}"


async def invite(
    connection: Connection,
    organisation_id: UUID,
    mail: str,
    role: Role,
    limits: Limits | None,
    made_by: UUID | None,
) -> Invitation:
    """Make an invitation; an earlier one of the same person is void.

    Raises:
        Rejected: they are a member already.
    """
    check_role(role, limits)
    found = await connection.execute(
        "SELECT FROM memberships JOIN users USING (user_id) "
        "WHERE mail = %s AND organisation_id = %s",
        [mail, organisation_id],
    )
    if found.rowcount:
        raise Rejected(f"{mail} is a member already: change the role instead", reason="member")
    token = new_token()
    found = await connection.execute(
        "INSERT INTO invitations (organisation_id, mail, role, limited, sites, group_ids, "
        "token_hash, made_by, expires_at) VALUES (%(own)s, %(mail)s, %(role)s, %(limited)s, "
        "%(sites)s, %(group_ids)s, %(hash)s, %(made_by)s, now() + %(lasts)s) "
        "ON CONFLICT (organisation_id, mail) DO UPDATE SET role = excluded.role, "
        "limited = excluded.limited, sites = excluded.sites, group_ids = excluded.group_ids, "
        "token_hash = excluded.token_hash, made_by = excluded.made_by, created_at = now(), "
        "expires_at = excluded.expires_at RETURNING invitation_id, expires_at",
        {
            "own": organisation_id,
            "mail": mail,
            "role": role.value,
            "hash": digest(token),
            "made_by": made_by,
            "lasts": INVITATION_LASTS,
            **columns(limits),
        },
    )
    row = await found.fetchone()
    assert row is not None
    return Invitation(invitation_id=row["invitation_id"], token=token, expires_at=row["expires_at"])


async def send_invitation(
    mailer: Mailer, invitation: Invitation, mail: str, organisation: str, base_url: str
) -> None:
    """Send the link to the mailbox that it proves.

    Raises:
        Retryable: the mail server did not take it.
    """
    text = (
        f"You are invited to work with {organisation} in Sightline:\n\n"
        f"{invitation.link(base_url)}\n\n"
        f"The link works once, until {invitation.expires_at:%Y-%m-%d %H:%M} UTC."
    )
    await mailer.send(mail, "Your invitation to Sightline", text)


async def find_invitation(connection: Connection, token_hash: bytes) -> dict[str, Any]:
    """Return an invitation with its organisation, held until the transaction ends.

    Raises:
        Rejected: it is wrong, late, used, or its maker may not grant it any more.
    """
    found = await connection.execute(
        "SELECT i.*, o.name AS organisation, o.slug, u.user_id, m.role AS maker_role, "
        "m.limited AS maker_limited FROM invitations i "
        "JOIN organisations o USING (organisation_id) LEFT JOIN users u ON u.mail = i.mail "
        "LEFT JOIN memberships m "
        "ON m.user_id = i.made_by AND m.organisation_id = i.organisation_id "
        "WHERE i.token_hash = %s AND i.expires_at > now() FOR UPDATE OF i",
        [token_hash],
    )
    row = await found.fetchone()
    if row is None or not _still_granted(row):
        raise Rejected(
            "the invitation is wrong, late or used: ask for a new one", reason="bad-link"
        )
    return row


async def accept(
    connection: Connection,
    invitation: Mapping[str, Any],
    name: str,
    password_hash: str | None,
    source: str,
) -> UUID:
    """Make the invited a member, and a user if they are none yet; returns the user.

    The password counts for a new user only: a link in a mail changes nobody's.
    """
    own, mail = invitation["organisation_id"], invitation["mail"]
    user = await find_user(connection, mail)
    if user is not None and user["disabled_at"] is not None:
        raise Rejected("this account is disabled: ask the cloud's operators", reason="disabled")
    if user is None:
        user_id = await create_user(connection, mail, name, password_hash)
    else:
        user_id = user["user_id"]
    member = await connection.execute(
        "SELECT FROM memberships WHERE user_id = %s AND organisation_id = %s", [user_id, own]
    )
    if member.rowcount == 0:
        await join(connection, user_id, own, Role(invitation["role"]), limits_of(invitation))
    await connection.execute(
        "DELETE FROM invitations WHERE invitation_id = %s", [invitation["invitation_id"]]
    )
    await note_user(
        connection,
        *(user_id, mail, "invitation.accept", source),
        {"role": invitation["role"], "new_user": user is None},
        organisation_id=own,
    )
    return user_id


def _still_granted(row: Mapping[str, Any]) -> bool:
    if row["made_by"] is None:
        return True
    if row["maker_role"] is None or row["maker_limited"]:
        return False
    return ROLES[Role(row["role"])] <= ROLES[Role(row["maker_role"])]
