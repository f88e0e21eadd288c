"""An organisation with a site, rows as a sink writes them, and somebody who asks."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import httpx
import psycopg

from consumers.access.permissions import Role
from schemas.records import Count, Health
from tests.access_helpers import Account, account, give_site
from tests.contract.consumers.store_rows import OPENED_AT, event, upsert, verdict

MINUTE_MS = 60_000


class Tenant:
    """One organisation; ``http`` asks with the key of an owner."""

    def __init__(self, dsn: str, url: str) -> None:
        self.dsn = dsn
        self.url = url
        self.slug = f"org-{uuid.uuid4().hex[:12]}"
        self.site = f"site-{uuid.uuid4().hex[:12]}"
        self.owner = account(dsn, slug=self.slug)
        self.database = psycopg.connect(dsn, autocommit=True)
        give_site(dsn, self.site, self.owner.organisation_id)
        self.http = self.as_(self.owner)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.http.close()
        self.database.close()

    def as_(self, who: Account) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers=who.key, timeout=30)

    def member(
        self, role: Role, sites: Collection[str] | None = None, groups: Collection[UUID] = ()
    ) -> Account:
        return account(self.dsn, slug=self.slug, role=role, sites=sites, groups=groups)

    def another_site(self) -> str:
        site = f"site-{uuid.uuid4().hex[:12]}"
        give_site(self.dsn, site, self.owner.organisation_id)
        return site

    def event(self, **changes: Any) -> str:
        """Store an event and return its id."""
        event_id = str(changes.pop("event_id", uuid.uuid4()))
        upsert(self.database, "events", event(event_id, **{"site": self.site, **changes}))
        return event_id

    def events(self, number: int, **changes: Any) -> list[str]:
        """Store events a minute apart and return their ids, the oldest first."""
        times = [OPENED_AT + minute * MINUTE_MS for minute in range(number)]
        return [self.event(opened_at=at, at=at, **changes) for at in times]

    def candidate(self, **changes: Any) -> str:
        candidate_id = str(changes.pop("candidate_id", uuid.uuid4()))
        upsert(self.database, "verdicts", verdict(candidate_id, **{"site": self.site, **changes}))
        return candidate_id

    def health(self, name: str, state: str = "online", **changes: Any) -> None:
        fields: dict[str, Any] = {
            "health_id": f"{self.site}/{name}",
            "site": self.site,
            "kind": "camera",
            "name": name,
            "state": state,
            "at": OPENED_AT,
            "frames_per_s": 5.0,
            "frames": 10,
            "dropped": 0,
            "details": "{}",
            "revision": OPENED_AT,
        }
        upsert(self.database, "health", Health(**{**fields, **changes}))

    def count(self, minute: int, **changes: Any) -> None:
        at = OPENED_AT - OPENED_AT % MINUTE_MS + minute * MINUTE_MS
        camera, sensor = changes.get("camera", "gate"), changes.get("sensor", "gate-line")
        fields: dict[str, Any] = {
            "count_id": f"{self.site}/{camera}/{sensor}/{at}",
            "site": self.site,
            "camera": camera,
            "sensor": sensor,
            "minute_at": at,
            "forward": 1,
            "backward": 0,
            "entries": 0,
            "exits": 0,
            "occupancy_max": 0,
            "dwell_total_s": 0.0,
            "dwell_max_s": 0.0,
            "revision": at,
            "config_version": 1,
        }
        upsert(self.database, "counts", Count(**{**fields, **changes}))

    def evidence(self, bucket: str | None = None, key: str | None = None, **changes: Any) -> str:
        evidence_id = str(uuid.uuid4())
        fields: dict[str, Any] = {
            "evidence_id": evidence_id,
            "site": self.site,
            "camera": "gate",
            "event_id": None,
            "candidate_id": None,
            "kind": "snapshot",
            "status": "ok",
            "reason": None,
            "content_type": "image/jpeg",
            "sha256": "00" * 32,
            "size": 0,
            "revision": 1,
            "bucket": bucket,
            "object_key": key,
            **changes,
        }
        names = ", ".join([*fields, "from_at", "to_at"])
        values = ", ".join(["%s"] * len(fields) + ["to_timestamp(%s)"] * 2)
        times = [OPENED_AT / 1000, OPENED_AT / 1000 + 1]
        self.database.execute(
            f"INSERT INTO evidence ({names}) VALUES ({values})", [*fields.values(), *times]
        )
        return evidence_id
