from __future__ import annotations

import uuid

import psycopg

from consumers.store.migrate import migrate
from consumers.store.owning import adopt
from tests.contract.consumers.store_rows import event, upsert


def test_a_site_is_adopted_with_what_it_sent_and_never_taken_from_its_owner(dsn: str) -> None:
    stray, owned = (f"site-{uuid.uuid4().hex[:8]}" for _ in range(2))
    with psycopg.connect(dsn, autocommit=True) as connection:
        upsert(connection, "events", event(str(uuid.uuid4()), site=stray))
        row = connection.execute(
            "INSERT INTO organisations (slug, name) VALUES (%s, 'Other') RETURNING organisation_id",
            [owned],
        ).fetchone()
        assert row is not None
        connection.execute("SELECT sightline_give_site(%s, %s)", [owned, row[0]])

        for _ in range(2):
            adopt(dsn, stray)
            adopt(dsn, owned)

        owners: dict[str, str] = dict(
            connection.execute(
                "SELECT site, slug FROM sites JOIN organisations USING (organisation_id) "
                "WHERE site = ANY(%s)",
                [[stray, owned]],
            ).fetchall()
        )
        marked = connection.execute(
            "SELECT count(*) FROM events JOIN organisations USING (organisation_id) "
            "WHERE site = %s AND slug = 'home'",
            [stray],
        ).fetchone()
    assert owners == {stray: "home", owned: owned}
    assert marked == (1,)


def test_rows_are_seen_by_their_own_organisation_alone(dsn: str) -> None:
    migrate(dsn)
    mine, theirs = (f"site-{uuid.uuid4().hex[:8]}" for _ in range(2))
    with psycopg.connect(dsn, autocommit=True) as connection:
        owners: list[uuid.UUID] = []
        for site in (mine, theirs):
            row = connection.execute(
                "INSERT INTO organisations (slug, name) VALUES (%s, '') RETURNING organisation_id",
                [site],
            ).fetchone()
            assert row is not None
            owners.append(row[0])
            connection.execute("SELECT sightline_give_site(%s, %s)", [site, row[0]])
            upsert(connection, "events", event(f"event-of-{site}", site=site))
            connection.execute(
                "INSERT INTO cameras (site, camera, organisation_id) VALUES (%s, 'gate', %s)",
                [site, row[0]],
            )

        def seen(organisation: object) -> dict[str, set[str]]:
            with connection.transaction():
                connection.execute("SET LOCAL ROLE sightline_app")
                connection.execute(
                    "SELECT set_config('sightline.organisation', %s, true)",
                    [str(organisation or "")],
                )
                return {
                    table: {site for (site,) in connection.execute(f"SELECT site FROM {table}")}
                    for table in ("events", "event_changes", "sites", "cameras")
                }

        assert {frozenset(sites) for sites in seen(owners[0]).values()} == {frozenset({mine})}
        assert seen(owners[1])["events"] == {theirs}
        assert not any(seen(None).values())
