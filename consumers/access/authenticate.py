"""From what a request carries to who asks: one query, nothing remembered between requests."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from consumers.access.limits import SCOPE_COLUMNS, scope_of
from consumers.access.permissions import ROLES, Permission, Role
from consumers.access.principal import Principal
from consumers.access.sessions import SESSION_IDLE
from consumers.access.tokens import KEY_PATTERN, csrf_token, digest, same
from consumers.store.database import Database
from schemas.errors import Rejected

NOTED_EVERY = timedelta(minutes=1)
"""How exactly it is known when a session or key was last used: a write at each request costs more."""

_SESSIONS = f"""
    SELECT s.token_hash AS hash, s.session_id, s.organisation_id, s.user_id, s.stepped_up_at, u.mail, m.role,
        {SCOPE_COLUMNS.format(who="m")}
    FROM sessions s
    JOIN users u USING (user_id)
    JOIN memberships m USING (user_id, organisation_id)
    WHERE s.token_hash = ANY(%(hashes)s) AND NOT s.pending AND u.disabled_at IS NULL
        AND s.expires_at > now() AND s.seen_at > now() - %(idle)s
"""
_KEYS = f"""
    SELECT k.key_hash AS hash, k.key_id, k.organisation_id, k.name, k.permissions, k.made_by, m.role,
        {SCOPE_COLUMNS.format(who="k")}, {SCOPE_COLUMNS.format(who="m")}
    FROM api_keys k
    LEFT JOIN memberships m ON (m.user_id, m.organisation_id) = (k.made_by, k.organisation_id)
    LEFT JOIN users u ON u.user_id = k.made_by
    WHERE k.key_hash = ANY(%(hashes)s) AND k.revoked_at IS NULL AND u.disabled_at IS NULL
        AND (k.expires_at IS NULL OR k.expires_at > now())
"""
_SESSION = f"""
    WITH seen AS (
        UPDATE sessions SET seen_at = now() WHERE token_hash = ANY(%(hashes)s)
            AND seen_at BETWEEN now() - %(idle)s AND now() - %(noted)s
    ) {_SESSIONS}
"""
_KEY = f"""
    WITH used AS (
        UPDATE api_keys SET used_at = now() WHERE key_hash = ANY(%(hashes)s)
            AND (used_at IS NULL OR used_at < now() - %(noted)s)
    ) {_KEYS}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a request carries to say who it is."""

    authorization: str | None
    """The header."""
    session: str | None
    """The session cookie."""
    csrf: str | None
    """The token that a page repeats in a header, which no other site's page can read."""
    safe: bool
    """The method changes nothing: a cookie alone is enough."""
    source: str = ""
    """The address that the request came from."""


@dataclass(frozen=True, slots=True)
class Reference:
    """By what somebody was authenticated, without the secret: enough to ask again later."""

    kind: Literal["user", "key"]
    digest: bytes
    source: str


class Forged(Rejected):
    """A request with a session's cookie that may be another site's doing."""


async def authenticate(database: Database, credentials: Credentials) -> Principal | None:
    """Return who asks; None where nothing valid is given.

    A key counts before a cookie, so that whoever sends one knows which of them is judged.

    Raises:
        Forged: the session's cookie comes without its token where something may be changed.
        Retryable: Postgres does not answer.
    """
    key = bearer(credentials.authorization)
    if key is not None:
        if KEY_PATTERN.fullmatch(key) is None:
            return None
        row = await _one(database, _KEY, {"hashes": [digest(key)], "noted": NOTED_EVERY})
        return None if row is None else _key(row, credentials.source)
    token = credentials.session
    if not token:
        return None
    row = await _one(
        database,
        _SESSION,
        {"hashes": [digest(token)], "idle": SESSION_IDLE, "noted": NOTED_EVERY},
    )
    if row is None:
        return None
    if not credentials.safe:
        check_csrf(token, credentials.csrf)
    return _user(row, credentials.source)


def reference(credentials: Credentials) -> Reference | None:
    """Return what :func:`authenticate` judges of these credentials."""
    key = bearer(credentials.authorization)
    if key is not None:
        return Reference("key", digest(key), credentials.source)
    token = credentials.session
    return Reference("user", digest(token), credentials.source) if token else None


async def still_valid(
    database: Database, references: Collection[Reference]
) -> dict[Reference, Principal]:
    """Return who these are now; those that are no longer valid are left out.

    Asking again counts as no use: a connection that is left open keeps no session alive.

    Raises:
        Retryable: Postgres does not answer.
    """
    found: dict[Reference, Principal] = {}
    async with database.system() as connection:
        for kind, query, made in (("user", _SESSIONS, _user), ("key", _KEYS, _key)):
            asked = {one.digest for one in references if one.kind == kind}
            if not asked:
                continue
            answer = await connection.execute(
                query, {"hashes": list(asked), "idle": SESSION_IDLE, "noted": NOTED_EVERY}
            )
            rows = {bytes(row["hash"]): row async for row in answer}
            found |= {
                one: made(rows[one.digest], one.source)
                for one in references
                if one.kind == kind and one.digest in rows
            }
    return found


def check_csrf(session_token: str, given: str | None) -> None:
    """Insist on the token that only a page of ours can know.

    Raises:
        Forged: it is missing or wrong.
    """
    if given is None or not same(given, csrf_token(session_token)):
        raise Forged(
            "a session's cookie alone changes nothing: repeat the csrf_token that "
            "GET /api/v1/session tells in the header Sightline-CSRF",
            reason="csrf",
        )


def bearer(authorization: str | None) -> str | None:
    """Return the key in an Authorization header; None where it holds something else.

    >>> bearer("Bearer sightline_x"), bearer("Basic YTpi")
    ('sightline_x', None)
    """
    scheme, _, key = (authorization or "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else None


async def _one(
    database: Database, query: str, values: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    async with database.system() as connection:
        found = await connection.execute(query, values)
        return await found.fetchone()


def _user(row: Mapping[str, Any], source: str) -> Principal:
    return Principal(
        kind="user",
        subject_id=row["user_id"],
        name=row["mail"],
        organisation_id=row["organisation_id"],
        permissions=ROLES[Role(row["role"])],
        scope=scope_of(row, "m"),
        session_id=row["session_id"],
        stepped_up_at=row["stepped_up_at"],
        source=source,
    )


def _key(row: Mapping[str, Any], source: str) -> Principal:
    known = {permission.value for permission in Permission}
    permissions = frozenset(Permission(one) for one in row["permissions"] if one in known)
    scope = scope_of(row, "k")
    if row["made_by"] is not None:
        # Whatever its maker has lost meanwhile, the key has lost too.
        permissions &= ROLES[Role(row["role"])]
        scope = scope.within(scope_of(row, "m"))
    return Principal(
        kind="key",
        subject_id=row["key_id"],
        name=row["name"],
        organisation_id=row["organisation_id"],
        permissions=permissions,
        scope=scope,
        source=source,
    )
