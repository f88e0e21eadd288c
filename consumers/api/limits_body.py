"""What a member, an invitation or a key is limited to, as it is sent and shown."""

from __future__ import annotations

from uuid import UUID

from consumers.access.limits import EVERYTHING, Limits, check_limits
from consumers.access.principal import Scope
from consumers.api.shapes.people import LimitsBody
from consumers.store.database import Connection


def shown(limits: Limits | None) -> LimitsBody | None:
    """Return limits as the API shows them."""
    if limits is None:
        return None
    return LimitsBody(sites=list(limits.sites), camera_groups=list(limits.group_ids))


async def checked(
    connection: Connection,
    organisation_id: UUID,
    body: LimitsBody | None,
    scope: Scope = EVERYTHING,
) -> Limits | None:
    """Return limits that were sent, once they name sites and groups of the organisation.

    ``scope`` is that of whoever sent them: beyond it there are none.

    Raises:
        Rejected: one of them is not.
    """
    if body is None:
        return None
    limits = Limits(tuple(sorted(set(body.sites))), tuple(sorted(set(body.camera_groups))))
    await check_limits(connection, organisation_id, limits, scope)
    return limits
