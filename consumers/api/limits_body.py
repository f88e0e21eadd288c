"""What a member, an invitation or a key is limited to, as it is sent and shown."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from consumers.access.limits import Limits, check_limits
from consumers.api.texts import Slug
from consumers.store.database import Connection

MOST = 500


class LimitsBody(BaseModel):
    """Only these sites, and the cameras of these camera groups."""

    model_config = ConfigDict(extra="forbid")

    sites: Annotated[list[Slug], Field(max_length=MOST)] = []
    camera_groups: Annotated[list[UUID], Field(max_length=MOST)] = []


def shown(limits: Limits | None) -> LimitsBody | None:
    """Return limits as the API shows them."""
    if limits is None:
        return None
    return LimitsBody(sites=list(limits.sites), camera_groups=list(limits.group_ids))


async def checked(
    connection: Connection, organisation_id: UUID, body: LimitsBody | None
) -> Limits | None:
    """Return limits that were sent, once they name sites and groups of the organisation.

    Raises:
        Rejected: one of them is not.
    """
    if body is None:
        return None
    limits = Limits(tuple(sorted(set(body.sites))), tuple(sorted(set(body.camera_groups))))
    await check_limits(connection, organisation_id, limits)
    return limits
