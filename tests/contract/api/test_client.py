"""The typed client against the API itself."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime

import pytest

from consumers.api.shapes.events import EventFilter
from consumers.client import AsyncSightline, NotFound, Sightline, Stale, Unauthenticated
from tests.contract.api.tenants import Tenant


def key_of(tenant: Tenant) -> str:
    return tenant.owner.key["Authorization"].removeprefix("Bearer ")


def test_a_shift_with_the_client(tenant: Tenant) -> None:
    made = tenant.events(5)
    tenant.health("gate")
    snapshot = tenant.evidence(event_id=made[0])
    with Sightline(tenant.url, key_of(tenant)) as sightline:
        assert [one.event_id for one in sightline.events(limit=2)] == made[::-1]
        assert sightline.acknowledge(made[0]).state == "acknowledged"
        sightline.comment(made[0], "the postman")
        changed = sightline.change_handling(made[0], 1, label="false", state="resolved")
        assert (changed.label, changed.version) == ("false", 2)
        with pytest.raises(Stale):
            sightline.change_handling(made[0], 1, state="new")
        details = sightline.event(made[0])
        assert [entry.action for entry in details.history] == [
            "acknowledge",
            "comment",
            "label",
            "resolve",
        ]
        assert details.snapshot is None and details.evidence[0].evidence_id == snapshot
        found = sightline.acknowledge_found(EventFilter(rule=["intrusion"]), limit=2)
        assert [one.event_id for one in found.results] == [made[4], made[3]]
        many = sightline.acknowledge_many([made[4], made[1]])
        assert [one.outcome for one in many.results] == ["already", "acknowledged"]
        assert [camera.camera for camera in sightline.cameras(site=[tenant.site])] == ["gate"]
        assert [site.site for site in sightline.sites()] == [tenant.site]
        group = sightline.make_camera_group("Doors", [f"{tenant.site}/gate"])
        assert sightline.camera_group(group.group_id).cameras == [f"{tenant.site}/gate"]
        sightline.remove_camera_group(group.group_id)
        with pytest.raises(NotFound):
            sightline.camera_group(group.group_id)
        since = datetime(2023, 1, 1, tzinfo=UTC)
        assert list(sightline.counts(tenant.site, since, bucket="minute")) == []
        assert sightline.heat_map(tenant.site, "gate", since.date()).tracks == 0


def test_a_key_that_is_none_is_told(tenant: Tenant) -> None:
    wrong = hashlib.sha256(b"wrong").hexdigest()
    with Sightline(tenant.url, wrong) as sightline, pytest.raises(Unauthenticated):
        sightline.site(tenant.site)


def test_the_stream_begins_and_says_so(tenant: Tenant) -> None:
    async def first() -> str:
        async with AsyncSightline(tenant.url, key_of(tenant)) as sightline:
            async for message in sightline.follow(site=[tenant.site]):
                return message.kind
        return "nothing"

    assert asyncio.run(first()) == "ready"
