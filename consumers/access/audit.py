"""The audit trail: append-only, each entry holding the hash of the one before."""

from __future__ import annotations

from collections.abc import Mapping

from consumers.access.principal import Principal
from consumers.store.database import Connection


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
