"""Targets: where notifications may go."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Request, Response
from psycopg import sql
from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb
from pydantic import Field

from consumers.access.audit import note
from consumers.access.permissions import Permission
from consumers.access.principal import Principal
from consumers.access.sealing import Sealer
from consumers.api.context import Parts
from consumers.api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, page
from consumers.api.preconditions import CHANGED_ELSEWHERE, IfMatch, insist, version_tag
from consumers.api.problems import Problem
from consumers.api.security import allow
from consumers.api.shapes.notifications import Circuit, Delivery, RateLimit, Target
from consumers.api.shapes.routing import Document
from consumers.api.texts import Line
from consumers.notify.guard import guard_of
from consumers.notify.outbox import remove_target
from consumers.notify.planning import now_at
from consumers.notify.resources.common import (
    BY_NAME,
    CONFLICT,
    MAX_TARGETS,
    PATH,
    leave_room,
    name_taken,
    one,
)
from consumers.notify.stored import sealed, secrets_of
from consumers.notify.targets.registry import KINDS, Settings
from consumers.notify.targets.target import TargetSettings, with_secrets
from consumers.store.database import Connection
from schemas.errors import Rejected

router = APIRouter(prefix=PATH, tags=["notifications"])
TEST_LASTS = timedelta(minutes=10)
Reader = Annotated[Principal, allow(Permission.NOTIFY_READ)]
Writer = Annotated[Principal, allow(Permission.NOTIFY_WRITE)]
_ORGANISATIONS = sql.SQL("user_id IS NULL")
_FIND = "SELECT * FROM notify_targets WHERE target_id = %s AND user_id IS NULL"


class TargetInput(Document):
    """A target as it is to be."""

    name: Line
    enabled: bool = True
    rate_limit: RateLimit | None = None
    settings: Annotated[Settings, Field(discriminator="kind")]


@router.get("/targets")
async def list_targets(
    request: Request,
    parts: Parts,
    principal: Reader,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[Target]:
    """List the organisation's targets by name; people's browsers are not among them."""
    place = BY_NAME.place(cursor)
    query = sql.SQL(
        "SELECT * FROM notify_targets WHERE user_id IS NULL AND {} ORDER BY {} LIMIT %(rows)s"
    ).format(place.condition, BY_NAME.order())
    sealer = Sealer(parts.settings.need("secret_key"))
    async with parts.database.tenant(principal.organisation_id) as connection:
        found = await connection.execute(query, {**place.values, "rows": limit + 1})
        rows = await found.fetchall()
        lines = await _lines(connection, [row["target_id"] for row in rows])
    return page(request, rows, limit, BY_NAME, lambda row: _shown(row, lines, sealer))


@router.post("/targets", status_code=201, responses=CONFLICT)
async def create_target(
    body: TargetInput, parts: Parts, principal: Writer, response: Response
) -> Target:
    """Make a target. Its secrets are sealed, and shown to nobody from now on."""
    sealer = Sealer(parts.settings.need("secret_key"))
    _check(body, body.settings, parts)
    async with parts.database.tenant(principal.organisation_id) as connection:
        await leave_room(connection, "notify_targets", MAX_TARGETS, _ORGANISATIONS)
        try:
            row = await one(
                connection,
                "INSERT INTO notify_targets (organisation_id, kind, name, config, secrets, "
                "enabled, rate_most, rate_within_s) VALUES (%s, %s, %s, %s, %s, %s, %s, %s) "
                "RETURNING *",
                [
                    *(principal.organisation_id, body.settings.kind, body.name),
                    *(Jsonb(body.settings.shown()), sealed(body.settings.secrets(), sealer)),
                    *(body.enabled, *_limit(body)),
                ],
                "target",
            )
        except UniqueViolation:
            raise name_taken(body.name) from None
        await _note(connection, principal, "create", row, body)
    response.headers["ETag"] = version_tag(row["revision"])
    return _shown(row, {}, sealer)


@router.get("/targets/{target_id}")
async def get_target(
    target_id: UUID, parts: Parts, principal: Reader, response: Response
) -> Target:
    """Return one target."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        row = await one(connection, _FIND, [target_id], "target")
        lines = await _lines(connection, [target_id])
    response.headers["ETag"] = version_tag(row["revision"])
    return _shown(row, lines, Sealer(parts.settings.need("secret_key")))


@router.put("/targets/{target_id}", responses=CHANGED_ELSEWHERE | CONFLICT)
async def put_target(
    target_id: UUID,
    body: TargetInput,
    parts: Parts,
    principal: Writer,
    response: Response,
    if_match: IfMatch = None,
) -> Target:
    """Change a target; secrets that are left out stay, and its kind always does."""
    sealer = Sealer(parts.settings.need("secret_key"))
    async with parts.database.tenant(principal.organisation_id) as connection:
        row = await one(connection, _FIND + " FOR UPDATE", [target_id], "target")
        insist(if_match, version_tag(row["revision"]))
        settings = _following(row, body, sealer)
        _check(body, settings, parts)
        try:
            row = await one(
                connection,
                "UPDATE notify_targets SET name = %s, config = %s, secrets = %s, enabled = %s, "
                "rate_most = %s, rate_within_s = %s, revision = revision + 1, "
                "changed_at = clock_timestamp() WHERE target_id = %s RETURNING *",
                [
                    *(body.name, Jsonb(settings.shown()), sealed(settings.secrets(), sealer)),
                    *(body.enabled, *_limit(body), target_id),
                ],
                "target",
            )
        except UniqueViolation:
            raise name_taken(body.name) from None
        # Whoever changes a target wants to see whether it answers now.
        await connection.execute(
            "UPDATE notify_lines SET failures = 0, cuts = 0, open_until = NULL, problem = '' "
            "WHERE target_id = %s",
            [target_id],
        )
        await _note(connection, principal, "change", row, body)
        lines = await _lines(connection, [target_id])
    response.headers["ETag"] = version_tag(row["revision"])
    return _shown(row, lines, sealer)


@router.delete("/targets/{target_id}", status_code=204, responses=CONFLICT)
async def delete_target(target_id: UUID, parts: Parts, principal: Writer) -> None:
    """Remove a target that no route and no escalation names; what waits for it is cancelled."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        row = await one(connection, _FIND + " FOR UPDATE", [target_id], "target")
        used = await connection.execute(
            "SELECT name FROM notify_routes WHERE document->'targets' ? %(id)s UNION ALL "
            "SELECT name FROM notify_escalations WHERE EXISTS (SELECT FROM "
            "jsonb_array_elements(document->'steps') step WHERE step->'targets' ? %(id)s)",
            {"id": str(target_id)},
        )
        names = [found["name"] for found in await used.fetchall()]
        if names:
            raise Problem(
                409,
                "in-use",
                "In use",
                f"it is named by {', '.join(names)[:300]}: take it out there first",
            )
        await remove_target(connection, target_id, "target-removed", now_at())
        await note(connection, principal, "notify.target.delete", row["name"])


@router.post("/targets/{target_id}/test", status_code=202)
async def send_test(target_id: UUID, parts: Parts, principal: Writer) -> Delivery:
    """Send a test message; see what became of it at `/deliveries/{delivery_id}`."""
    now = datetime.now(UTC)
    async with parts.database.tenant(principal.organisation_id) as connection:
        await one(connection, _FIND, [target_id], "target")
        row = await one(
            connection,
            "INSERT INTO notify_deliveries (delivery_id, organisation_id, target_id, kind, status, "
            "due_at, give_up_at) VALUES (%s, %s, %s, 'test', 'pending', %s, %s) RETURNING *",
            [uuid4(), principal.organisation_id, target_id, now, now + TEST_LASTS],
            "delivery",
        )
        await note(connection, principal, "notify.target.test", str(target_id))
    return Delivery.of_row(row)


def _check(body: TargetInput, settings: TargetSettings, parts: Parts) -> None:
    settings.check()
    guard_of(parts.settings).check(settings.address())
    if body.rate_limit is not None and not KINDS[settings.kind].collects:
        raise Rejected(
            f"every event has to reach a {settings.kind}: it takes no rate limit",
            reason="no-rate-limit",
        )


def _following(row: Mapping[str, Any], body: TargetInput, sealer: Sealer) -> TargetSettings:
    if body.settings.kind != row["kind"]:
        raise Rejected(
            f"it is a {row['kind']} and stays one: make a new target", reason="another-kind"
        )
    old = with_secrets(KINDS[row["kind"]], row["config"], secrets_of(row, sealer))
    return body.settings.after(old, datetime.now(UTC))


def _limit(body: TargetInput) -> tuple[int | None, int | None]:
    limit = body.rate_limit
    return (None, None) if limit is None else (limit.most, limit.within_s)


async def _lines(connection: Connection, targets: list[UUID]) -> dict[UUID, dict[str, Any]]:
    found = await connection.execute(
        "SELECT * FROM notify_lines WHERE target_id = ANY(%s)", [targets]
    )
    return {row["target_id"]: row for row in await found.fetchall()}


async def _note(
    connection: Connection,
    principal: Principal,
    what: str,
    row: Mapping[str, Any],
    body: TargetInput,
) -> None:
    details = {
        "kind": row["kind"],
        "enabled": row["enabled"],
        "settings": row["config"],
        "secrets_changed": sorted(body.settings.secrets()),
    }
    await note(connection, principal, f"notify.target.{what}", row["name"], details)


def _shown(
    row: Mapping[str, Any], lines: Mapping[UUID, Mapping[str, Any]], sealer: Sealer
) -> Target:
    line = lines.get(row["target_id"])
    is_open = line is not None and line["open_until"] is not None
    limit = (
        RateLimit(most=row["rate_most"], within_s=row["rate_within_s"])
        if row["rate_most"]
        else None
    )
    try:
        secrets = sorted(secrets_of(row, sealer))
    except Rejected:
        secrets = []
    return Target(
        target_id=row["target_id"],
        name=row["name"],
        enabled=row["enabled"],
        rate_limit=limit,
        settings=row["config"],
        secrets=secrets,
        circuit=Circuit(
            state="open" if is_open else "closed",
            until=line["open_until"] if line is not None else None,
            failures=line["failures"] if line is not None else 0,
        ),
        problem=line["problem"] if line is not None else "",
        created_at=row["created_at"],
        changed_at=row["changed_at"],
    )
