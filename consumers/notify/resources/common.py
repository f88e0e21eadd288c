"""What the resources share: bounds, answers, and a few questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString
from uuid import UUID

from psycopg import sql

from consumers.access.principal import Principal
from consumers.api.paging import Keyset
from consumers.api.problems import Problem, ProblemDocument, not_found
from consumers.store.database import Connection

PATH = "/api/v1/notifications"
MAX_TARGETS, MAX_ROUTES, MAX_ESCALATIONS, MAX_MUTES, MAX_BROWSERS = 500, 500, 100, 1000, 20
"""Of an organisation; the last two of a user."""
CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {"model": ProblemDocument, "description": "It would contradict what is there; see detail."}
}
ANY = sql.SQL("true")
BY_NAME = Keyset(("name", str))


async def one(
    connection: Connection, query: LiteralString | sql.Composed, values: Any, what: str
) -> dict[str, Any]:
    """Return the row of a query; 404 without one."""
    row = await (await connection.execute(query, values)).fetchone()
    if row is None:
        raise not_found(what)
    return row


async def listed(
    connection: Connection,
    table: str,
    order: Keyset,
    limit: int,
    cursor: str | None,
    condition: sql.Composable = ANY,
    values: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Return a page's rows and one more."""
    place = order.place(cursor)
    query = sql.SQL("SELECT * FROM {} WHERE ({}) AND {} ORDER BY {} LIMIT %(rows)s").format(
        sql.Identifier(table), condition, place.condition, order.order()
    )
    found = await connection.execute(query, {**(values or {}), **place.values, "rows": limit + 1})
    return await found.fetchall()


async def leave_room(
    connection: Connection,
    table: str,
    most: int,
    condition: sql.Composable = ANY,
    values: Sequence[Any] = (),
) -> None:
    """Insist that there are fewer than ``most`` rows; two at once may go past it by one."""
    query = sql.SQL("SELECT count(*) AS rows FROM {} WHERE {}").format(
        sql.Identifier(table), condition
    )
    row = await (await connection.execute(query, values)).fetchone()
    if row is not None and row["rows"] >= most:
        raise Problem(
            409, "too-many", "Too many", f"there are {most} of these already: remove some first"
        )


def name_taken(name: str) -> Problem:
    """Return the answer for a name that another has."""
    return Problem(409, "name-taken", "Name taken", f"there is one named {name!r} already")


def own_user(principal: Principal) -> UUID:
    """Return the user whose own things are meant; a key has none."""
    if principal.kind != "user":
        raise Problem(
            403, "users-only", "Users only", "this is about one's own browser: log in as a user"
        )
    return principal.subject_id
