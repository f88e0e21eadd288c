"""The audit trail: append-only, each entry holding the hash of the one before.

A note goes into the caller's transaction and is chained at its commit by a trigger of Postgres
(``r0005_access.sql``), so that it neither appears without what it tells of nor holds others up.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from consumers.access.principal import Principal
from consumers.store.database import Connection

CLOUD = UUID(int=0)
"""The trail of the cloud itself: its operators' doings, and logins of nobody known."""
SUBJECT_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class Entry:
    """What is noted where no principal is at hand: somebody logs in, or an operator acts."""

    organisation_id: UUID
    action: str
    subject: str
    details: Mapping[str, object] = field(default_factory=dict)
    actor_kind: str = "nobody"
    """``user``, ``key``, ``operator`` of the cloud, or ``nobody``."""
    actor_id: UUID = CLOUD
    actor_name: str = ""
    session_id: UUID | None = None
    source: str = ""


async def note(
    connection: Connection,
    principal: Principal,
    action: str,
    subject: str,
    details: Mapping[str, object] | None = None,
) -> None:
    """Append an entry in the caller's transaction: what was done, to what, by whom.

    ``action`` is a dotted word such as ``event.acknowledge``; ``details`` holds no secret.
    """
    await append(
        connection,
        Entry(
            organisation_id=principal.organisation_id,
            action=action,
            subject=subject,
            details=details or {},
            actor_kind=principal.kind,
            actor_id=principal.subject_id,
            actor_name=principal.name,
            session_id=principal.session_id,
            source=principal.source,
        ),
    )


async def append(connection: Connection, entry: Entry) -> None:
    """Append an entry in the caller's transaction."""
    await connection.execute(
        "INSERT INTO audit_inbox (organisation_id, actor_kind, actor_id, actor_name, session_id, "
        "source, action, subject, details) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            entry.organisation_id,
            entry.actor_kind,
            entry.actor_id,
            _clean(entry.actor_name),
            entry.session_id,
            _clean(entry.source),
            entry.action,
            _clean(entry.subject)[:SUBJECT_CHARACTERS],
            _document(entry.details),
        ],
    )


def _document(details: Mapping[str, object]) -> str:
    return json.dumps(_storable(details), ensure_ascii=False, allow_nan=False, default=str)


def _storable(value: object) -> object:
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, Mapping):
        return {_clean(str(key)): _storable(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_storable(one) for one in value]
    return value


def _clean(text: str) -> str:
    """Replace what Postgres cannot hold: better a mark in the trail than no entry."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
