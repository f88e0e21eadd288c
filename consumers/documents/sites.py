"""Whether somebody may see a site: asked here before anything of it is read from elsewhere.

Mongo and Kafka know no organisations; Postgres does, and row-level security answers for it.
"""

from __future__ import annotations

from consumers.access.principal import Principal
from consumers.api.problems import not_found
from consumers.store.database import Connection, Database


async def insist_on_site(
    connection: Connection, principal: Principal, site: str, camera: str | None = None
) -> None:
    """Insist that something of a camera, or of the whole site, is the principal's to see.

    ``connection`` is of its organisation.

    Raises:
        Problem: 404, it is not there or not theirs: nobody can tell which.
    """
    found = await connection.execute("SELECT FROM sites WHERE site = %s", [site])
    if await found.fetchone() is None or not principal.scope.allows(site, camera):
        raise not_found("site")


async def insist_on_camera(
    connection: Connection, principal: Principal, site: str, camera: str
) -> None:
    """Insist that a camera is the principal's to see; ``connection`` is of its organisation.

    Raises:
        Problem: 404, it is not there or not theirs: nobody can tell which.
    """
    found = await connection.execute(
        "SELECT FROM cameras WHERE (site, camera) = (%s, %s)", [site, camera]
    )
    if await found.fetchone() is None or not principal.scope.allows(site, camera):
        raise not_found("camera")


async def check_site(database: Database, principal: Principal, site: str) -> None:
    """Insist on a site in a transaction of its own.

    Raises:
        Problem: 404.
        Retryable: Postgres does not answer.
    """
    async with database.tenant(principal.organisation_id) as connection:
        await insist_on_site(connection, principal, site)


async def check_camera(database: Database, principal: Principal, site: str, camera: str) -> None:
    """Insist on a camera in a transaction of its own.

    Raises:
        Problem: 404.
        Retryable: Postgres does not answer.
    """
    async with database.tenant(principal.organisation_id) as connection:
        await insist_on_camera(connection, principal, site, camera)
