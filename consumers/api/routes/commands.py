"""Orders to sites: arm them in a mode, and see what they answer; receipts of all that came down."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from psycopg import sql
from pydantic import BaseModel, Field

from consumers.access.permissions import Permission
from consumers.access.principal import Principal
from consumers.api.context import Parts
from consumers.api.idempotency import REPEATABLE, Answer, Once
from consumers.api.paging import Cursor, Keyset, Limit, Page, page
from consumers.api.problems import not_found
from consumers.api.security import allow
from consumers.api.shapes.commands import AnswerShown, OrderShown
from consumers.api.shapes.configurations import FaultShown, ReceiptShown
from consumers.api.texts import Name, Slug
from consumers.api.times import LAST
from consumers.documents.commands import Order, Orders, awaited_order, send_order
from consumers.documents.receipts import COLUMNS, Told
from consumers.documents.sites import insist_on_site
from consumers.store.database import Connection
from consumers.sync.commanding import ARM, document_of

PATH = "/api/v1/sites/{site}/commands"
Commander = Annotated[Principal, allow(Permission.COMMANDS_SEND)]
Reader = Annotated[Principal, allow(Permission.CONFIG_READ)]
WaitS = Annotated[float, Query(ge=0, le=30, description="Wait so long for the site's answer.")]
NEWEST_FIRST = Keyset(("issued_at", datetime), ("command_id", str), descending=True)
BY_DOCUMENT = Keyset(("document", str))
router = APIRouter(tags=["commands"])


class Arm(BaseModel):
    """A mode to arm a site in."""

    mode: Name = Field(description="`home`, `away`, one that a rule names, or `off` for none.")
    valid_s: float = Field(30, gt=0, le=3600, description="Later the site does not obey it.")


@router.post(f"{PATH}/arm", response_model=OrderShown, status_code=202, responses=REPEATABLE)
async def arm(site: Slug, wanted: Arm, principal: Commander, parts: Parts, once: Once) -> Response:
    """Order a site to arm itself in a mode; the answer comes once Kafka has the order.

    Whether the site obeyed says `GET …/commands/{command_id}`, which waits for it.
    """

    async def work(connection: Connection) -> Answer:
        await insist_on_site(connection, principal, site)
        order = await send_order(
            connection,
            parts,
            principal,
            site,
            ARM,
            {"mode": wanted.mode},
            document_of(ARM),
            valid_s=wanted.valid_s,
        )
        return Answer(order_shown(order), status=202)

    return await once(principal, work)


@router.get(PATH)
async def commands(
    site: Slug,
    principal: Commander,
    parts: Parts,
    request: Request,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[OrderShown]:
    """Return the orders that were sent to a site, newest first."""
    values = NEWEST_FIRST.place(cursor).values
    before = None
    if values:
        at, command_id = values["after_0"], values["after_1"]
        assert isinstance(at, datetime)
        before = at, str(command_id)
    async with parts.database.tenant(principal.organisation_id) as connection:
        await insist_on_site(connection, principal, site)
        orders = await Orders(parts.mongo, connection).page(site, before, limit + 1)
    rows = [{"issued_at": one.issued_at, "command_id": one.command_id, "": one} for one in orders]
    return page(request, rows, limit, NEWEST_FIRST, lambda row: order_shown(row[""]))


@router.get(f"{PATH}/{{command_id}}")
async def command(
    site: Slug,
    command_id: UUID,
    principal: Commander,
    parts: Parts,
    wait_s: WaitS = 0,
) -> OrderShown:
    """Return one order with the site's answer."""
    insist = partial(insist_on_site, principal=principal, site=site)
    order = await awaited_order(parts, principal, insist, site, str(command_id), wait_s)
    if order is None:
        raise not_found("command")
    return order_shown(order)


@router.get("/api/v1/sites/{site}/receipts")
async def receipts(
    site: Slug,
    principal: Reader,
    parts: Parts,
    request: Request,
    kind: Annotated[Literal["config", "command", "model", "feedback"] | None, Query()] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[ReceiptShown]:
    """Return the site's last word on each document that came down to it."""
    place = BY_DOCUMENT.place(cursor)
    query = sql.SQL(
        "SELECT {} FROM receipts WHERE site = %(site)s AND (%(kind)s::text IS NULL "
        "OR kind = %(kind)s) AND {} ORDER BY {} LIMIT %(rows)s"
    ).format(COLUMNS, place.condition, BY_DOCUMENT.order())
    values = {**place.values, "site": site, "kind": kind, "rows": limit + 1}
    async with parts.database.tenant(principal.organisation_id) as connection:
        await insist_on_site(connection, principal, site)
        rows = await (await connection.execute(query, values)).fetchall()
    return page(request, rows, limit, BY_DOCUMENT, lambda row: _receipt(Told.from_row(row)))


def order_shown(order: Order) -> OrderShown:
    """Show an order as it stands now."""
    return OrderShown(
        command_id=order.command_id,
        site=order.site,
        name=order.name,
        arguments=dict(order.arguments),
        author=order.author,
        issued_at=order.issued_at,
        expires_at=order.expires_at,
        state=order.state(datetime.now(UTC)),
        answer=_answer(order.answer) if order.answer else None,
    )


def _receipt(told: Told) -> ReceiptShown:
    return ReceiptShown(
        document=told.document,
        kind=told.kind,
        status=told.status,
        config_version=told.config_version,
        sha256=told.sha256,
        faults=[FaultShown.of_receipt(fault) for fault in told.faults],
        details=dict(told.details),
        at=told.at,
    )


def _answer(answer: Mapping[str, Any]) -> AnswerShown:
    modes, until_at = answer["details"].get("modes"), answer["details"].get("until_at")
    known = isinstance(until_at, int) and 0 <= until_at < LAST.timestamp() * 1000
    return AnswerShown(
        status=answer["status"],
        faults=[FaultShown.of_receipt(fault) for fault in answer["faults"]],
        config_version=answer["config_version"],
        modes=[str(mode) for mode in modes] if isinstance(modes, list) else [],
        until_at=datetime.fromtimestamp(until_at / 1000, UTC) if known else None,
        at=answer["at"],
    )
