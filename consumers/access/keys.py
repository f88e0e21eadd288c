"""API keys: for programs, never with more than their maker has."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from consumers.access.limits import Limits, columns
from consumers.access.permissions import Permission
from consumers.access.tokens import digest, new_key
from consumers.store.database import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A key just made: it is told this once."""

    key_id: UUID
    key: str
    prefix: str
    created_at: datetime


async def make_key(
    connection: Connection,
    organisation_id: UUID,
    name: str,
    permissions: Collection[Permission],
    *,
    limits: Limits | None = None,
    expires_at: datetime | None = None,
    made_by: UUID | None = None,
) -> Made:
    """Make a key; without ``made_by`` it is the cloud's operators', and stands for itself."""
    key, prefix = new_key()
    found = await connection.execute(
        "INSERT INTO api_keys (organisation_id, prefix, key_hash, name, permissions, limited, "
        "sites, group_ids, made_by, expires_at) VALUES (%(own)s, %(prefix)s, %(hash)s, %(name)s, "
        "%(permissions)s, %(limited)s, %(sites)s, %(group_ids)s, %(made_by)s, %(expires_at)s) "
        "RETURNING key_id, created_at",
        {
            "own": organisation_id,
            "prefix": prefix,
            "hash": digest(key),
            "name": name,
            "permissions": sorted(permission.value for permission in permissions),
            "made_by": made_by,
            "expires_at": expires_at,
            **columns(limits),
        },
    )
    row = await found.fetchone()
    assert row is not None
    return Made(key_id=row["key_id"], key=key, prefix=prefix, created_at=row["created_at"])


async def list_keys(
    connection: Connection, organisation_id: UUID, *, made_by: UUID | None = None
) -> list[dict[str, Any]]:
    """Return an organisation's keys that still work, or one member's of them."""
    found = await connection.execute(
        "SELECT key_id, prefix, name, permissions, limited, sites, group_ids, made_by, created_at, "
        "expires_at, used_at FROM api_keys WHERE organisation_id = %(own)s AND revoked_at IS NULL "
        "AND (expires_at IS NULL OR expires_at > now()) "
        "AND (%(maker)s::uuid IS NULL OR made_by = %(maker)s) ORDER BY created_at, key_id LIMIT 1000",
        {"own": organisation_id, "maker": made_by},
    )
    return await found.fetchall()


async def revoke_key(
    connection: Connection, organisation_id: UUID, key_id: UUID, *, made_by: UUID | None = None
) -> str | None:
    """Revoke a key from the next request on, and return its name; None if there is no such."""
    found = await connection.execute(
        "UPDATE api_keys SET revoked_at = now() WHERE organisation_id = %(own)s "
        "AND key_id = %(key)s AND revoked_at IS NULL "
        "AND (%(maker)s::uuid IS NULL OR made_by = %(maker)s) RETURNING name",
        {"own": organisation_id, "key": key_id, "maker": made_by},
    )
    row = await found.fetchone()
    return None if row is None else str(row["name"])
