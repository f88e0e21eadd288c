"""Pages of lists: by the place of the last row (keyset), never by a number of rows to skip.

A list has one order for ever, so that nothing comes twice and nothing that was there is left out
while rows arrive. A route states its order once and asks for one row more than the page holds:

    ORDER = Keyset(("minute_at", datetime), ("count_id", str))
    place = ORDER.place(cursor)
    query = sql.SQL("SELECT ... WHERE ... AND {} ORDER BY {} LIMIT %(rows)s").format(
        place.condition, ORDER.order())
    rows = await (await connection.execute(query, {**place.values, "rows": limit + 1})).fetchall()
    return page(request, rows, limit, ORDER, Shown.from_row)
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import orjson
from fastapi import Query, Request
from psycopg import sql
from pydantic import BaseModel, Field

from consumers.api.problems import Problem
from consumers.api.shapes.common import DEFAULT_LIMIT, MAX_CURSOR_CHARACTERS, MAX_LIMIT
from consumers.store.spans import Look

__all__ = ["DEFAULT_LIMIT", "Cursor", "Keyset", "Limit", "Page", "Place", "page"]
BIGGEST = 2**63 - 1
T = TypeVar("T")
Key = str | int | datetime | UUID

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="At most so many on a page.")]
Cursor = Annotated[
    str | None,
    Query(max_length=MAX_CURSOR_CHARACTERS, description="The place to go on from: see `next`."),
]


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    items: list[T]
    next: str | None = Field(
        default=None, description="Address of the next page at the same host; null on the last."
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins, as a condition of SQL and the values of its parameters."""

    condition: sql.Composable
    values: Mapping[str, Key]


class Keyset:
    """The order of a list by columns that together name a row, all rising or all falling.

    >>> order = Keyset(("name", str), ("id", int))
    >>> order.place(order.cursor({"name": "gate", "id": 7})).values
    {'after_0': 'gate', 'after_1': 7}
    """

    def __init__(self, *columns: tuple[str, type[Key]], descending: bool = False) -> None:
        self._columns = columns
        self._descending = descending

    def order(self) -> sql.Composable:
        """Return what stands behind ORDER BY."""
        direction = sql.SQL(" DESC" if self._descending else " ASC")
        return sql.SQL(", ").join(_column(name) + direction for name, _ in self._columns)

    def cursor(self, row: Mapping[str, Any]) -> str:
        """Return the cursor that goes on behind a row; keys are the columns without a table."""
        keys = [row[name.rpartition(".")[2]] for name, _ in self._columns]
        # The direction stands in it, so that one of the other order is not taken for its own.
        packed = orjson.dumps([self._descending, *keys])
        return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()

    def place(self, cursor: str | None) -> Place:
        """Return where the page of a cursor begins; without one, the first.

        Raises:
            Problem: the cursor is none of this list's (422).
        """
        if cursor is None:
            return Place(sql.SQL("true"), {})
        keys = self._keys(cursor)
        names = [f"after_{number}" for number in range(len(keys))]
        condition = sql.SQL("({}) {} ({})").format(
            sql.SQL(", ").join(_column(name) for name, _ in self._columns),
            sql.SQL("<" if self._descending else ">"),
            sql.SQL(", ").join(sql.Placeholder(name) for name in names),
        )
        return Place(condition, dict(zip(names, keys, strict=True)))

    def look(self, cursor: str | None, limit: int) -> Look:
        """Return where in a list by days (its first column is a time) a page begins.

        Raises:
            Problem: the cursor is none of this list's (422).
        """
        place = self.place(cursor)
        reached = place.values.get("after_0")
        return Look(
            rows=limit + 1,
            order=self.order(),
            condition=place.condition,
            values=place.values,
            reached=reached if isinstance(reached, datetime) else None,
            newest_first=self._descending,
        )

    def _keys(self, cursor: str) -> list[Key]:
        try:
            padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
            descending, *keys = orjson.loads(base64.b64decode(padded, b"-_", validate=True))
            if descending is not self._descending:
                raise ValueError("another order")
            kinds = [kind for _, kind in self._columns]
            return [_key(value, kind) for value, kind in zip(keys, kinds, strict=True)]
        except (ValueError, TypeError, OverflowError, binascii.Error):
            raise Problem(
                422,
                "bad-cursor",
                "No such place",
                "the cursor is none of this list in this order: take `next` of a page as it is, or "
                "leave the cursor out to begin at the first page",
            ) from None


def page(
    request: Request,
    rows: Sequence[Mapping[str, Any]],
    limit: int,
    order: Keyset,
    shown: Callable[[Mapping[str, Any]], T],
    stopped: Mapping[str, Any] | None = None,
) -> Page[T]:
    """Return the page of up to ``limit + 1`` rows that were asked for; the last is not shown.

    ``stopped``: the place behind which nothing was looked for, where the page is not full by then.
    """
    following = None
    behind = rows[limit - 1] if len(rows) > limit else stopped
    if behind is not None:
        url = request.url.include_query_params(cursor=order.cursor(behind))
        following = f"{url.path}?{url.query}"
    return Page(items=[shown(row) for row in rows[:limit]], next=following)


def _key(value: object, kind: type[Key]) -> Key:
    if kind is datetime and isinstance(value, str):
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            raise ValueError("no time zone")
        return at.astimezone(UTC)
    if kind is UUID and isinstance(value, str):
        return UUID(value)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError("another type")
    if isinstance(value, int) and not -BIGGEST <= value <= BIGGEST:
        raise ValueError("too big")
    if isinstance(value, str) and "\0" in value:
        raise ValueError("a NUL character")
    return value


def _column(name: str) -> sql.Composable:
    return sql.Identifier(*name.split("."))
