"""Old deliveries go, a bounded number at a time; what waits stays."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from consumers.access.permissions import Role
from consumers.notify import tidy as tidying
from consumers.notify.tidy import KEPT, tidy
from consumers.store.database import Database
from infra.runtime.settings import Settings
from tests.access_helpers import account
from tests.contract.notify.house import House
from tests.contract.notify.test_web_push import subscribe


def test_what_is_old_and_has_ended_goes(
    house: House, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = house.webhook("https://hooks.example")
    for days, status in ((31, "sent"), (31, "dead"), (31, "muted"), (31, "pending"), (1, "sent")):
        house.sql.execute(
            "INSERT INTO notify_deliveries (delivery_id, organisation_id, target_id, kind, status, "
            "due_at, give_up_at, created_at) VALUES (gen_random_uuid(), %s, %s, 'test', %s, "
            "now() + interval '1 day', now() + interval '1 day', now() - %s * interval '1 day')",
            [house.organisation, target, status, days],
        )
    for days in (31, -1):
        house.sql.execute(
            "INSERT INTO notify_mutes (organisation_id, until, created_by) "
            "VALUES (%s, now() - %s * interval '1 day', 'eve')",
            [house.organisation, days],
        )
    slug = house.one(
        "SELECT slug FROM organisations WHERE organisation_id = %s", house.organisation
    )["slug"]
    for leaves in (True, False):
        who = account(settings.postgres_dsn, slug=slug, role=Role.VIEWER)
        subscribe(house, settings, who, "https://push.example")
        if leaves:
            house.sql.execute("DELETE FROM memberships WHERE user_id = %s", [who.user_id])
    monkeypatch.setattr(tidying, "AT_ONCE", 2)

    async def once() -> int:
        async with Database(settings.postgres_dsn) as database, database.system() as connection:
            return await tidy(connection, datetime.now(UTC) - KEPT)

    assert [asyncio.run(once()) for _ in range(3)] == [4, 1, 0]
    assert [one["status"] for one in house.deliveries()] == ["pending", "sent"]
    for table, left in (("notify_mutes", 1), ("notify_targets", 2)):
        query = f"SELECT count(*) AS n FROM {table} WHERE organisation_id = %s"
        assert house.one(query, house.organisation)["n"] == left
