"""An organisation with a site: its targets and routes in Postgres, its events in Kafka."""

from __future__ import annotations

import time
import uuid
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from consumers.access.sealing import Sealer
from consumers.api.shapes.routing import Escalation, Route
from consumers.notify.reading import TOPIC
from consumers.notify.stored import sealed
from consumers.notify.targets.registry import KINDS
from infra.runtime.kafka import RecordProducer
from infra.runtime.settings import Settings
from schemas.records import Event
from tests.contract.consumers import store_rows

SECRET = "a secret of sixteen characters"


def now_at() -> int:
    return time.time_ns() // 1_000_000


class House:
    """Everything of one organisation."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer = RecordProducer(settings.cloud_kafka, "test", linger_ms=0)
        self.reconnect()
        self.site = f"site-{uuid.uuid4().hex[:8]}"
        slug = f"org-{uuid.uuid4().hex[:8]}"
        self.organisation: UUID = self.one(
            "INSERT INTO organisations (slug, name) VALUES (%s, %s) RETURNING organisation_id",
            slug,
            slug,
        )["organisation_id"]
        self.one("SELECT sightline_give_site(%s, %s)", self.site, self.organisation)
        self.sql.execute(
            "UPDATE sites SET name = 'The depot', timezone = 'Europe/Madrid' WHERE site = %s",
            [self.site],
        )

    def reconnect(self) -> None:
        """Connect to Postgres, again after it was away."""
        self.sql = psycopg.connect(
            self._settings.postgres_dsn, autocommit=True, row_factory=dict_row
        )

    def close(self) -> None:
        # Nothing of this test is to be sent while another runs.
        self.sql.execute(
            "DELETE FROM notify_targets WHERE organisation_id = %s", [self.organisation]
        )
        self.sql.close()

    def one(self, query: str, *values: object) -> dict[str, Any]:
        row = self.sql.execute(query, values).fetchone()
        assert row is not None
        return row

    def target(self, kind: str, *, rate: tuple[int, int] | None = None, **settings: Any) -> UUID:
        """Make a target."""
        made = KINDS[kind].settings.model_validate(settings)
        most, within_s = rate or (None, None)
        row = self.one(
            "INSERT INTO notify_targets (organisation_id, kind, name, config, secrets, rate_most, "
            "rate_within_s) VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING target_id",
            *(self.organisation, kind, uuid.uuid4().hex, Jsonb(made.shown())),
            sealed(made.secrets(), Sealer(self._settings.secret_key)),
            *(most, within_s),
        )
        return UUID(str(row["target_id"]))

    def webhook(self, url: str, **more: Any) -> UUID:
        """Make a webhook."""
        return self.target("webhook", url=url, secret=SECRET, **more)

    def route(self, *targets: UUID, **more: Any) -> UUID:
        """Make a route to these targets; without waiting for pictures, unless asked to."""
        given = {"name": uuid.uuid4().hex, "targets": list(targets), "snapshot_wait_s": 0, **more}
        route = Route.model_validate(given)
        row = self.one(
            "INSERT INTO notify_routes (organisation_id, name, document) VALUES (%s, %s, %s) "
            "RETURNING route_id",
            *(self.organisation, route.name, Jsonb(route.model_dump(mode="json"))),
        )
        return UUID(str(row["route_id"]))

    def escalation(self, *steps: dict[str, Any]) -> UUID:
        """Make an escalation."""
        made = Escalation.model_validate({"name": uuid.uuid4().hex, "steps": list(steps)})
        row = self.one(
            "INSERT INTO notify_escalations (organisation_id, name, document) VALUES (%s, %s, %s) "
            "RETURNING escalation_id",
            *(self.organisation, made.name, Jsonb(made.model_dump(mode="json"))),
        )
        return UUID(str(row["escalation_id"]))

    def event(self, **changes: Any) -> Event:
        """Return an event of the site that happens now."""
        at = now_at()
        given = {"site": self.site, "at": at, "opened_at": at, **changes}
        return store_rows.event(given.pop("event_id", str(uuid.uuid4())), **given)

    def send(self, *events: Event) -> None:
        """Write events into the cloud's Kafka."""
        for event in events:
            self._producer.send(TOPIC, event, key=event.event_id)
        self._producer.flush()

    def happen(self, **changes: Any) -> Event:
        """Let an event happen."""
        event = self.event(**changes)
        self.send(event)
        return event

    def picture(self, event_id: str) -> None:
        """Let the event have a picture."""
        self.sql.execute(
            "INSERT INTO evidence (evidence_id, site, camera, event_id, kind, status, content_type, "
            "sha256, size, from_at, to_at, revision, bucket, object_key) VALUES "
            "(%s, %s, 'gate', %s, 'snapshot', 'ok', 'image/jpeg', 'ab', 1, now(), now(), 1, 'evidence', "
            "%s)",
            [str(uuid.uuid4()), self.site, event_id, f"{self.site}/picture"],
        )

    def deliveries(self, status: str | None = None) -> list[dict[str, Any]]:
        """Return the organisation's deliveries, in the order in which they were planned."""
        return self.sql.execute(
            "SELECT * FROM notify_deliveries WHERE organisation_id = %(own)s "
            "AND (%(status)s::text IS NULL OR status = %(status)s) ORDER BY place",
            {"own": self.organisation, "status": status},
        ).fetchall()
