"""What operators of the cloud do on its command line: organisations, owners, sites, keys.

They have the database itself, so nothing here asks for permissions; all of it is in the trail.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation

from consumers.access.factors import forget_factors
from consumers.access.invitations import invite
from consumers.access.keys import list_keys, make_key
from consumers.access.limits import Limits, check_limits, limits_of
from consumers.access.mail_addresses import clean_mail
from consumers.access.passwords import check_password, hashed
from consumers.access.permissions import Permission, Role
from consumers.access.trails import note_operator
from consumers.access.users import create_user, disable, find_user, join
from consumers.store.database import Connection
from schemas.errors import Rejected
from schemas.ids import SITE_PATTERN


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody in an organisation."""

    mail: str
    organisation: str
    role: Role
    limits: Limits | None
    has_factor: bool
    disabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """A key that works."""

    prefix: str
    name: str
    permissions: Sequence[str]
    made_by: str | None
    used_at: datetime | None
    expires_at: datetime | None


async def create_owned(
    connection: Connection, slug: str, name: str, mail: str, password: str
) -> None:
    """Make an organisation and its owner, who logs in by this password.

    Raises:
        Rejected: a name is taken or none, or the password is weak.
    """
    address = _mail(mail)
    own = await _create(connection, slug, name)
    if await find_user(connection, address) is not None:
        raise Rejected(
            f"there is a user {address} already, with a password of their own: leave --password away"
        )
    check_password(password, address)
    user_id = await create_user(connection, address, "", await hashed(password))
    await join(connection, user_id, own, Role.OWNER)
    await note_operator(connection, own, "organisation.create", slug, {"owner": address})


async def create_inviting(
    connection: Connection, slug: str, name: str, mail: str, base_url: str
) -> str:
    """Make an organisation and return the link by which its owner joins.

    Raises:
        Rejected: a name is taken or none.
    """
    address = _mail(mail)
    own = await _create(connection, slug, name)
    made = await invite(connection, own, address, Role.OWNER, None, None)
    await note_operator(connection, own, "organisation.create", slug, {"owner": address})
    return made.link(base_url)


async def list_organisations(connection: Connection) -> list[dict[str, Any]]:
    """Return slug, name, and numbers of sites and people."""
    found = await connection.execute(
        "SELECT slug, name, (SELECT count(*) FROM sites s WHERE s.organisation_id = "
        "o.organisation_id) AS sites, (SELECT count(*) FROM memberships m "
        "WHERE m.organisation_id = o.organisation_id) AS people FROM organisations o ORDER BY slug"
    )
    return await found.fetchall()


async def give_site(connection: Connection, site: str, slug: str) -> None:
    """Give a site to an organisation; the trails of both owners tell it.

    Raises:
        Rejected: there is no such organisation, or this is no name of a site.
    """
    if SITE_PATTERN.fullmatch(site) is None:
        raise Rejected(f"{site[:80]!r} is no name of a site: a-z, 0-9 and -, at most 40 characters")
    own = await _organisation(connection, slug)
    found = await connection.execute(
        "SELECT organisation_id FROM sites WHERE site = %s FOR UPDATE", [site]
    )
    row = await found.fetchone()
    before = row["organisation_id"] if row else None
    # It rewrites the mark of all that the site has sent.
    await connection.execute("SET LOCAL statement_timeout = 0")
    await connection.execute("SELECT sightline_give_site(%s, %s)", [site, own])
    for one in sorted({own, before or own}):
        await note_operator(connection, one, "site.give", site, {"to": slug})


async def list_sites(connection: Connection) -> list[dict[str, Any]]:
    """Return site, slug of its owner, and number of cameras."""
    found = await connection.execute(
        "SELECT s.site, o.slug, (SELECT count(*) FROM cameras c WHERE c.site = s.site) AS cameras "
        "FROM sites s LEFT JOIN organisations o USING (organisation_id) ORDER BY s.site"
    )
    return await found.fetchall()


async def list_members(connection: Connection, slug: str | None) -> list[Member]:
    """Return the people of one organisation, or of all."""
    found = await connection.execute(
        "SELECT u.mail, o.slug, m.*, u.disabled_at, "
        "coalesce(u.totp_confirmed_at, u.phone_confirmed_at) IS NOT NULL AS has_factor "
        "FROM memberships m JOIN users u USING (user_id) JOIN organisations o USING (organisation_id) "
        "WHERE %(slug)s::text IS NULL OR o.slug = %(slug)s ORDER BY u.mail, o.slug",
        {"slug": slug},
    )
    return [
        Member(
            mail=row["mail"],
            organisation=row["slug"],
            role=Role(row["role"]),
            limits=limits_of(row),
            has_factor=row["has_factor"],
            disabled=row["disabled_at"] is not None,
        )
        for row in await found.fetchall()
    ]


async def invite_member(
    connection: Connection,
    slug: str,
    mail: str,
    role: Role,
    sites: Sequence[str] | None,
    base_url: str,
) -> str:
    """Invite somebody and return the link.

    Raises:
        Rejected: they are a member already, or a name is none.
    """
    own = await _organisation(connection, slug)
    address = _mail(mail)
    limits = await _limits(connection, own, sites)
    made = await invite(connection, own, address, role, limits, None)
    await note_operator(connection, own, "invitation.make", address, {"role": role.value})
    return made.link(base_url)


async def disable_user(connection: Connection, mail: str) -> None:
    """Disable a user.

    Raises:
        Rejected: there is no such, or an organisation would be without an owner.
    """
    user_id = await _user(connection, mail)
    await disable(connection, user_id)
    await _note_everywhere(connection, user_id, "user.disable", mail)


async def enable_user(connection: Connection, mail: str) -> None:
    """Enable a user again.

    Raises:
        Rejected: there is no such.
    """
    user_id = await _user(connection, mail)
    await connection.execute("UPDATE users SET disabled_at = NULL WHERE user_id = %s", [user_id])
    await _note_everywhere(connection, user_id, "user.enable", mail)


async def forget_user_factors(connection: Connection, mail: str) -> None:
    """Take every second factor from a user.

    Raises:
        Rejected: there is no such.
    """
    user_id = await _user(connection, mail)
    await forget_factors(connection, user_id)
    await _note_everywhere(connection, user_id, "factor.forget", mail)


async def create_key(
    connection: Connection,
    slug: str,
    name: str,
    permissions: Collection[Permission],
    sites: Sequence[str] | None,
    days: int,
) -> str:
    """Make a key that is nobody's, and return it.

    Raises:
        Rejected: there is no such organisation or site.
    """
    own = await _organisation(connection, slug)
    made = await make_key(
        connection,
        *(own, name, permissions),
        limits=await _limits(connection, own, sites),
        expires_at=datetime.now(UTC) + timedelta(days=days),
    )
    details = {"prefix": made.prefix, "permissions": sorted(permissions), "name": name}
    await note_operator(connection, own, "key.make", str(made.key_id), details)
    return made.key


async def list_organisation_keys(connection: Connection, slug: str) -> list[Keyed]:
    """Return the keys of an organisation.

    Raises:
        Rejected: there is no such.
    """
    rows = await list_keys(connection, await _organisation(connection, slug))
    makers = [row["made_by"] for row in rows if row["made_by"] is not None]
    found = await connection.execute(
        "SELECT user_id, mail FROM users WHERE user_id = ANY(%s)", [makers]
    )
    mails = {row["user_id"]: row["mail"] for row in await found.fetchall()}
    return [
        Keyed(
            prefix=row["prefix"],
            name=row["name"],
            permissions=row["permissions"],
            made_by=mails.get(row["made_by"]),
            used_at=row["used_at"],
            expires_at=row["expires_at"],
        )
        for row in rows
    ]


async def revoke_by_prefix(connection: Connection, slug: str, prefix: str) -> None:
    """Revoke a key.

    Raises:
        Rejected: there is no such.
    """
    own = await _organisation(connection, slug)
    found = await connection.execute(
        "UPDATE api_keys SET revoked_at = now() WHERE organisation_id = %s AND prefix = %s "
        "AND revoked_at IS NULL RETURNING key_id, name",
        [own, prefix],
    )
    row = await found.fetchone()
    if row is None:
        raise Rejected(f"{slug} has no key {prefix[:80]}: see `sightline keys list {slug}`")
    details = {"name": row["name"]}
    await note_operator(connection, own, "key.revoke", str(row["key_id"]), details)


async def _create(connection: Connection, slug: str, name: str) -> UUID:
    if SITE_PATTERN.fullmatch(slug) is None:
        raise Rejected(f"{slug[:80]!r} is no slug: a-z, 0-9 and -, at most 40 characters")
    try:
        async with connection.transaction():
            found = await connection.execute(
                "INSERT INTO organisations (slug, name) VALUES (%s, %s) RETURNING organisation_id",
                [slug, name],
            )
    except UniqueViolation:
        raise Rejected(f"there is an organisation {slug} already") from None
    row = await found.fetchone()
    assert row is not None
    return UUID(str(row["organisation_id"]))


async def _organisation(connection: Connection, slug: str) -> UUID:
    found = await connection.execute(
        "SELECT organisation_id FROM organisations WHERE slug = %s", [slug]
    )
    row = await found.fetchone()
    if row is None:
        raise Rejected(f"there is no organisation {slug[:80]}: see `sightline organisations list`")
    return UUID(str(row["organisation_id"]))


async def _user(connection: Connection, mail: str) -> UUID:
    user = await find_user(connection, _mail(mail))
    if user is None:
        raise Rejected(f"there is no user {mail[:80]}: see `sightline users list`")
    return UUID(str(user["user_id"]))


async def _limits(connection: Connection, own: UUID, sites: Sequence[str] | None) -> Limits | None:
    if not sites:
        return None
    limits = Limits(tuple(sorted(set(sites))))
    await check_limits(connection, own, limits)
    return limits


async def _note_everywhere(connection: Connection, user_id: UUID, action: str, mail: str) -> None:
    found = await connection.execute(
        "SELECT organisation_id FROM memberships WHERE user_id = %s ORDER BY organisation_id",
        [user_id],
    )
    for row in await found.fetchall():
        await note_operator(connection, row["organisation_id"], action, mail)


def _mail(text: str) -> str:
    try:
        return clean_mail(text)
    except ValueError as error:
        raise Rejected(f"{text[:80]!r} {error}") from None
