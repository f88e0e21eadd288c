"""From events to deliveries, in one transaction of Postgres for a whole batch."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from psycopg.types.json import Jsonb

from consumers.notify import routing
from consumers.notify.occurrence import Occurrence, Owner, delivery_id, occurrence
from consumers.notify.policies import load_policies
from consumers.notify.routing import Change, Planned, Told
from consumers.store.database import Connection
from schemas.records import Event
from schemas.site.timezones import zone_names

_INSERT = """
    INSERT INTO notify_deliveries (
        delivery_id, organisation_id, target_id, route_id, kind, event_id, event_state, site,
        camera, content, status, reason, unless_acknowledged, due_at, snapshot_until, give_up_at,
        ended_at
    ) VALUES (
        %(delivery_id)s, %(organisation_id)s, %(target_id)s, %(route_id)s, 'event', %(event_id)s,
        %(event_state)s, %(site)s, %(camera)s, %(content)s, %(status)s, %(reason)s,
        %(unless_acknowledged)s, %(due_at)s, %(snapshot_until)s, %(give_up_at)s, %(ended_at)s
    ) ON CONFLICT DO NOTHING
"""
_WAITING = ("pending", "collecting")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a batch brought."""

    statuses: Counter[str] = field(default_factory=Counter)
    urgent: frozenset[UUID] = frozenset()
    """Targets that something is due to now."""


async def plan(connection: Connection, events: Sequence[Event], now_at: int) -> Plan:
    """Store what the events mean for whom; what was stored before stays as it is.

    Events of sites that nobody owns are nobody's business.
    """
    owners = await _owners(connection, {event.site for event in events})
    owned = [(event, owners[event.site]) for event in events if event.site in owners]
    if not owned:
        return Plan()
    organisations = sorted({owner.organisation_id for _, owner in owned})
    policies = await load_policies(connection, organisations, now_at)
    told = await _told(connection, organisations, sorted({event.event_id for event, _ in owned}))
    rows: list[dict[str, object]] = []
    urgent: set[UUID] = set()
    for event, owner in owned:
        happened = occurrence(event, owner)
        key = (owner.organisation_id, event.event_id)
        told[key], new = routing.step(
            told[key], Change(happened, now_at), policies[owner.organisation_id]
        )
        rows += [_row(owner.organisation_id, happened, planned, now_at) for planned in new]
        urgent.update(
            one.target_id for one in new if one.status == "pending" and one.due_at <= now_at
        )
    if rows:
        async with connection.cursor() as cursor:
            await cursor.executemany(_INSERT, rows)
    return Plan(Counter(str(row["status"]) for row in rows), frozenset(urgent))


async def _owners(connection: Connection, sites: set[str]) -> dict[str, Owner]:
    found = await connection.execute(
        "SELECT site, organisation_id, name, timezone FROM sites "
        "WHERE site = ANY(%s) AND organisation_id IS NOT NULL",
        [sorted(sites)],
    )
    return {
        row["site"]: Owner(
            organisation_id=row["organisation_id"],
            site_name=row["name"],
            timezone=row["timezone"] if row["timezone"] in zone_names() else "UTC",
        )
        for row in await found.fetchall()
    }


async def _told(
    connection: Connection, organisations: list[UUID], events: list[str]
) -> defaultdict[tuple[UUID, str], Told]:
    found = await connection.execute(
        "SELECT organisation_id, event_id, target_id, event_state FROM notify_deliveries "
        "WHERE event_id = ANY(%s) AND organisation_id = ANY(%s)",
        [events, organisations],
    )
    told: defaultdict[tuple[UUID, str], Told] = defaultdict(frozenset)
    for row in await found.fetchall():
        told[row["organisation_id"], row["event_id"]] |= {(row["target_id"], row["event_state"])}
    return told


def _row(
    organisation_id: UUID, happened: Occurrence, planned: Planned, now_at: int
) -> dict[str, object]:
    return {
        "delivery_id": delivery_id(
            organisation_id, planned.target_id, happened.event_id, planned.state
        ),
        "organisation_id": organisation_id,
        "target_id": planned.target_id,
        "route_id": planned.route_id,
        "event_id": happened.event_id,
        "event_state": planned.state,
        "site": happened.site,
        "camera": happened.camera,
        "content": Jsonb(happened.document()),
        "status": planned.status,
        "reason": planned.reason,
        "unless_acknowledged": planned.unless_acknowledged,
        "due_at": moment(planned.due_at),
        "snapshot_until": moment(planned.snapshot_until),
        "give_up_at": moment(planned.give_up_at),
        "ended_at": None if planned.status in _WAITING else moment(now_at),
    }


def now_at() -> int:
    """Return the host's time, UTC milliseconds."""
    return time.time_ns() // 1_000_000


def moment(at: int) -> datetime:
    """Return UTC milliseconds as Postgres takes them."""
    return datetime.fromtimestamp(at / 1000, UTC)
