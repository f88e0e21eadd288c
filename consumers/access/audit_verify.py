"""Following the audit trails in Postgres: ``sightline audit verify``."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from psycopg import Connection, IsolationLevel
from psycopg.rows import DictRow

from consumers.access.audit import CLOUD
from consumers.access.audit_chain import Broken, Head, ends_well, follow
from consumers.store.events import connected
from schemas.errors import Rejected

CLOUD_NAME = "the cloud"
_AT_ONCE = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """How far the trail of an organisation holds."""

    name: str
    head: Head
    broken: Broken | None


def verify(dsn: str, slug: str | None = None, expected: Head | None = None) -> list[Verified]:
    """Follow the trails of all organisations and of the cloud, or of one; all at one moment.

    Raises:
        Rejected: there is no such organisation.
        Retryable: Postgres does not answer.
        Fatal: the tables are not there.
    """
    with connected(dsn) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        with connection.transaction():
            chains = _chains(connection, slug)
            return [_verify(connection, own, name, expected) for own, name in chains]


def _chains(connection: Connection[DictRow], slug: str | None) -> list[tuple[UUID, str]]:
    # Also organisations that are gone, and entries whose end somebody has removed.
    rows = connection.execute(
        "SELECT organisation_id, coalesce(o.slug, organisation_id::text) AS name "
        "FROM (SELECT organisation_id FROM audit_heads UNION SELECT organisation_id FROM audit "
        "UNION SELECT organisation_id FROM organisations) AS chains "
        "LEFT JOIN organisations o USING (organisation_id) "
        "WHERE %(slug)s::text IS NULL OR o.slug = %(slug)s ORDER BY name",
        {"slug": slug},
    ).fetchall()
    if slug is not None and not rows:
        raise Rejected(f"there is no organisation {slug}: see `sightline organisations list`")
    return [
        (own, CLOUD_NAME if own == CLOUD else row["name"])
        for row in rows
        for own in [row["organisation_id"]]
    ]


def _verify(
    connection: Connection[DictRow], own: UUID, name: str, expected: Head | None
) -> Verified:
    with connection.cursor("audit") as cursor:
        cursor.itersize = _AT_ONCE
        cursor.execute("SELECT * FROM audit WHERE organisation_id = %s ORDER BY n", [own])
        head, broken = follow(cursor, expected)
    if broken is None:
        row = connection.execute(
            "SELECT n, hash FROM audit_heads WHERE organisation_id = %s", [own]
        ).fetchone()
        recorded = Head(row["n"], bytes(row["hash"])) if row else Head()
        broken = ends_well(head, recorded)
    return Verified(name=name, head=head, broken=broken)
