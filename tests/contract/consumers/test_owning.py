from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

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
                "INSERT INTO cameras (site, camera, organisation_id) VALUES (%s, 'gate', %s) "
                "ON CONFLICT DO NOTHING",
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


def test_a_sites_zone_is_that_of_its_configuration_until_somebody_sets_another(dsn: str) -> None:
    site = f"site-{uuid.uuid4().hex[:8]}"
    revisions = iter(range(1, 10))

    def report(connection: psycopg.Connection[Any], zone: str | None) -> str:
        details = json.dumps({"timezone": zone})
        health = {
            "health_id": f"{site}/process/agent",
            "site": site,
            "kind": "process",
            "name": "agent",
            "state": "running",
            "at": datetime.now(UTC),
            "frames": 0,
            "dropped": 0,
            "details": details,
            "revision": next(revisions),
        }
        connection.execute(
            "INSERT INTO health ({}) VALUES ({}) ON CONFLICT (health_id) DO UPDATE "
            "SET details = EXCLUDED.details, revision = EXCLUDED.revision".format(
                ", ".join(health), ", ".join(f"%({name})s" for name in health)
            ),
            health,
        )
        row = connection.execute("SELECT timezone FROM sites WHERE site = %s", [site]).fetchone()
        assert row is not None
        return str(row[0])

    with psycopg.connect(dsn, autocommit=True) as connection:
        assert report(connection, None) == "UTC"
        assert report(connection, "Europe/Madrid") == "Europe/Madrid"
        connection.execute("UPDATE sites SET timezone = 'Asia/Tokyo' WHERE site = %s", [site])
        assert report(connection, "Europe/Madrid") == "Asia/Tokyo"
        assert report(connection, "America/Lima") == "America/Lima"
        assert report(connection, "no zone") == "America/Lima"
