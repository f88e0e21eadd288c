"""Who owns a site, where one organisation has the whole cloud to itself."""

from __future__ import annotations

from consumers.store.events import connected

HOME = "home"
"""The organisation of a cloud that was started for one site."""


def adopt(dsn: str, site: str) -> None:
    """Give the site to the organisation ``home``, made if need be, unless somebody owns it.

    Raises:
        Retryable: Postgres does not answer.
        Fatal: the tables are not there.
    """
    with connected(dsn) as connection, connection.transaction():
        connection.execute(
            "INSERT INTO organisations (slug, name) VALUES (%s, 'Home') ON CONFLICT DO NOTHING",
            [HOME],
        )
        connection.execute(
            "SELECT sightline_give_site(%(site)s, organisation_id) FROM organisations "
            "WHERE slug = %(slug)s AND NOT EXISTS "
            "(SELECT FROM sites WHERE site = %(site)s AND organisation_id IS NOT NULL)",
            {"site": site, "slug": HOME},
        )
