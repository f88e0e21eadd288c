"""From what a request carries to who asks."""

from __future__ import annotations

from dataclasses import dataclass

from consumers.access.principal import Principal
from consumers.store.database import Database


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


async def authenticate(database: Database, credentials: Credentials) -> Principal | None:
    """Return who asks; None where nothing valid is given.

    Raises:
        Retryable: Postgres does not answer.
    """
    return None
