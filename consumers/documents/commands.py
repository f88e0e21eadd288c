"""Orders to sites as they were sent, each with the site's answer.

Postgres keeps the last receipt of each kind of order alone, so an answer is written beside its order
when it is first seen: at a look at it, and before the next order of its kind is sent.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import DESCENDING

from consumers.access.audit import note
from consumers.access.principal import Principal
from consumers.api.context import Context
from consumers.api.shapes.commands import State
from consumers.documents.answering import answering
from consumers.documents.configurations import Mongo, utc
from consumers.documents.receipts import receipt_of
from consumers.store.database import Connection
from consumers.sync.commanding import LIVE, command_digest
from consumers.sync.publish import commands_topic, new_command

COLLECTION = "commands"
KEPT = timedelta(days=400)
LIVE_KEPT = timedelta(days=7)
"""Whoever looks through a camera sends an order a minute; the audit trail keeps them longer."""
LOOK_EVERY_S = 0.25
Insist = Callable[[Connection], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order that was sent."""

    command_id: str
    site: str
    name: str
    arguments: Mapping[str, Any]
    document: str
    """Of its receipt."""
    sha256: str
    """By which its receipt names it."""
    author: str
    issued_at: datetime
    expires_at: datetime
    answer: Mapping[str, Any] | None = None
    """What the site said: status, faults, config_version, details, at."""

    def state(self, at: datetime) -> State:
        """Tell how it stands at a time."""
        if self.answer is not None:
            return "applied" if self.answer["status"] == "applied" else "refused"
        return "waiting" if at < self.expires_at else "unanswered"


class Orders:
    """The orders of all sites; who may see them is the caller's to know.

    Every method raises ``Retryable`` where Mongo or Postgres does not answer.
    """

    def __init__(self, mongo: Mongo, connection: Connection) -> None:
        """``connection`` is of the organisation that owns the sites."""
        self._orders = mongo[COLLECTION]
        self._connection = connection

    async def one(self, site: str, command_id: str) -> Order | None:
        """Return an order of a site."""
        with answering():
            found = await self._orders.find_one({"_id": command_id, "site": site})
        orders = await self._answered([] if found is None else [_order(found)])
        return orders[0] if orders else None

    async def page(self, site: str, before: tuple[datetime, str] | None, most: int) -> list[Order]:
        """Return up to ``most`` orders of a site, newest first, from before a time and id."""
        wanted: dict[str, Any] = {"site": site}
        if before is not None:
            at, command_id = before
            wanted["$or"] = [
                {"issued_at": {"$lt": at}},
                {"issued_at": at, "_id": {"$lt": command_id}},
            ]
        order = [("issued_at", DESCENDING), ("_id", DESCENDING)]
        with answering():
            found = self._orders.find(wanted).sort(order).limit(most)
            orders = [_order(document) async for document in found]
        return await self._answered(orders)

    async def add(self, order: Order) -> None:
        """Write an order; first the answer of the one before it, whose receipt its own replaces.

        Those of its kind that are too old to be shown are removed.
        """
        same = {"site": order.site, "document": order.document}
        kept = LIVE_KEPT if order.name == LIVE else KEPT
        with answering():
            await self._orders.create_index([("site", 1), ("issued_at", DESCENDING)])
            await self._orders.delete_many({**same, "issued_at": {"$lt": order.issued_at - kept}})
            newest = self._orders.find(same).sort("issued_at", DESCENDING).limit(1)
            earlier = [_order(one) async for one in newest]
        await self._answered(earlier)
        values = asdict(order)
        with answering():
            await self._orders.insert_one({"_id": values.pop("command_id"), **values})

    async def _answered(self, orders: Iterable[Order]) -> list[Order]:
        return [order if order.answer else await self._look(order) for order in orders]

    async def _look(self, order: Order) -> Order:
        told = await receipt_of(self._connection, order.site, order.document)
        if told is None or told.sha256 != order.sha256:
            return order
        answer = {
            "status": told.status,
            "faults": [dict(fault) for fault in told.faults],
            "config_version": told.config_version,
            "details": dict(told.details),
            "at": told.at,
        }
        with answering():
            await self._orders.update_one({"_id": order.command_id}, {"$set": {"answer": answer}})
        return Order(**{**asdict(order), "answer": answer})


async def awaited_order(
    parts: Context, principal: Principal, insist: Insist, site: str, command_id: str, wait_s: float
) -> Order | None:
    """Return an order once it is answered, or as it is after ``wait_s`` seconds.

    ``insist`` raises where it is not the principal's to see.
    """
    clock = asyncio.get_running_loop().time
    deadline_s = clock() + wait_s
    while True:
        async with parts.database.tenant(principal.organisation_id) as connection:
            await insist(connection)
            order = await Orders(parts.mongo, connection).one(site, command_id)
        if order is None or order.answer is not None or clock() >= deadline_s:
            return order
        await asyncio.sleep(LOOK_EVERY_S)


async def send_order(
    connection: Connection,
    parts: Context,
    principal: Principal,
    site: str,
    name: str,
    arguments: Mapping[str, Any],
    document: str,
    *,
    valid_s: float,
) -> Order:
    """Write an order down, then send it, and return it once Kafka has it.

    Raises:
        Retryable: Kafka or Mongo does not answer.
    """
    command = new_command(site, name, arguments, valid_s=valid_s)
    order = Order(
        command_id=command.command_id,
        site=site,
        name=name,
        arguments=dict(arguments),
        document=document,
        sha256=command_digest(command),
        author=principal.name,
        issued_at=datetime.fromtimestamp(command.issued_at / 1000, UTC),
        expires_at=datetime.fromtimestamp(command.expires_at / 1000, UTC),
    )
    await Orders(parts.mongo, connection).add(order)
    details = {"command_id": order.command_id, "arguments": json.dumps(dict(arguments))}
    await note(connection, principal, f"command.{name}", site, details)
    await parts.publisher.send(commands_topic(site), command, command.command_id)
    return order


def _order(document: Mapping[str, Any]) -> Order:
    values = {name: value for name, value in document.items() if name != "_id"}
    answer = values["answer"]
    return Order(
        **{
            **values,
            "command_id": document["_id"],
            "issued_at": utc(values["issued_at"]),
            "expires_at": utc(values["expires_at"]),
            "answer": {**answer, "at": utc(answer["at"])} if answer else None,
        }
    )
