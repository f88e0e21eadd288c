"""How people handle an event: what a change means, and how it is written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb

from consumers.access.audit import note
from consumers.access.principal import Principal, Scope
from consumers.store.database import Connection
from consumers.store.event_search import COLUMNS
from consumers.store.feedback import Subject, Verdict, say

State = Literal["new", "acknowledged", "resolved"]
Label = Literal["true", "false", "ignore_here"]
VERDICTS: dict[Label, Verdict] = {
    "true": "confirmed",
    "false": "dismissed",
    "ignore_here": "ignored_here",
}
REMARK_CHARACTERS = 20_000
"""Of all comments on an event, those that a search looks into."""


@dataclass(frozen=True, slots=True)
class Assign:
    """To whom an event is given; None: to nobody."""

    to: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What somebody does with an event; None leaves as it is."""

    state: State | None = None
    assign: Assign | None = None
    label: Label | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the event's history, and of the audit trail."""

    action: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decided:
    """What a change comes to: columns to set, lines to write, a word for the site."""

    columns: dict[str, Any]
    entries: tuple[Entry, ...]
    word: Verdict | None


def decide(before: Mapping[str, Any], change: Change, actor: str, now: datetime) -> Decided:
    """Return what a change comes to; a repeat of what is so already comes to nothing.

    Whoever labels an event has seen it: a new one counts as acknowledged.
    """
    columns: dict[str, Any] = {}
    entries: list[Entry] = []
    word: Verdict | None = None
    state: State = change.state or before["handling"]
    if change.label is not None and change.label != before["label"]:
        columns["label"] = change.label
        word = VERDICTS[change.label]
        entries.append(Entry("label", {"label": change.label}))
        if change.state is None and state == "new":
            state = "acknowledged"
    if state != before["handling"]:
        columns["handling"] = state
        if state == "new":
            columns |= {"acknowledged_at": None, "acknowledged_by": None}
            entries.append(Entry("reopen"))
        else:
            entries.append(Entry("acknowledge" if state == "acknowledged" else "resolve"))
            if before["handling"] == "new":
                columns |= {"acknowledged_at": now, "acknowledged_by": actor}
    if change.assign is not None and change.assign.to != before["assigned_to"]:
        columns["assigned_to"] = change.assign.to
        entries.append(
            Entry("assign", {"to": None if change.assign.to is None else str(change.assign.to)})
        )
    return Decided(columns, tuple(entries), word)


async def locked_event(
    connection: Connection, scope: Scope, event_id: str
) -> dict[str, Any] | None:
    """Return an event's row, held until the transaction ends; None where it may not be seen."""
    opened_at = await opened_at_of(connection, event_id)
    if opened_at is None:
        return None
    query = sql.SQL(
        "SELECT {columns}, remarks FROM events "
        "WHERE event_id = %s AND opened_at = %s AND {scope} FOR UPDATE"
    ).format(columns=COLUMNS, scope=scope.condition())
    return await (await connection.execute(query, [event_id, opened_at], prepare=False)).fetchone()


async def opened_at_of(connection: Connection, event_id: str) -> datetime | None:
    """Return the time by which an event's partition is found; None if there is no event."""
    found = await connection.execute(
        "SELECT opened_at FROM event_places WHERE event_id = %s", [event_id]
    )
    row = await found.fetchone()
    return None if row is None else row["opened_at"]


async def may_be_given(connection: Connection, event: Mapping[str, Any], user_id: UUID) -> bool:
    """Tell whether somebody is a member who may see this event.

    Raises:
        Retryable: Postgres does not answer.
    """
    found = await connection.execute(
        "SELECT FROM members WHERE user_id = %(user)s AND disabled_at IS NULL "
        "AND (NOT limited OR %(site)s = ANY(sites) OR EXISTS (SELECT FROM camera_group_members "
        "WHERE group_id = ANY(group_ids) AND site = %(site)s AND camera = %(camera)s))",
        {"user": user_id, "site": event["site"], "camera": event["camera"]},
    )
    return await found.fetchone() is not None


async def change_event(
    connection: Connection,
    principal: Principal,
    row: Mapping[str, Any],
    change: Change,
    now: datetime,
) -> dict[str, Any]:
    """Carry a change out on a locked event and return its row as it is now.

    Raises:
        Retryable: Postgres does not answer.
    """
    decided = decide(row, change, principal.name, now)
    if not decided.columns:
        return dict(row)
    if decided.word is not None:
        subject = Subject(
            site=row["site"], camera=row["camera"], at=row["opened_at"], event_id=row["event_id"]
        )
        await say(connection, principal, subject, decided.word)
    await write_history(connection, principal, row, decided.entries)
    return await _set(
        connection, row, {**decided.columns, "handling_version": row["handling_version"] + 1}
    )


async def comment(
    connection: Connection, principal: Principal, row: Mapping[str, Any], text: str
) -> None:
    """Write a comment on a locked event.

    Raises:
        Retryable: Postgres does not answer.
    """
    await write_history(connection, principal, row, [Entry("comment", {"text": text})])
    remarks = f"{row['remarks']} {text}".strip()[-REMARK_CHARACTERS:]
    await _set(connection, row, {"remarks": remarks})


async def write_history(
    connection: Connection,
    principal: Principal,
    row: Mapping[str, Any],
    entries: Sequence[Entry],
) -> None:
    """Append lines to an event's history and to the audit trail."""
    for entry in entries:
        await connection.execute(
            "INSERT INTO event_history (organisation_id, event_id, opened_at, site, camera, "
            "actor_id, actor, action, details) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                principal.organisation_id,
                *(row[name] for name in ("event_id", "opened_at", "site", "camera")),
                principal.subject_id,
                principal.name,
                entry.action,
                Jsonb(entry.details),
            ],
        )
        # The trail says that somebody commented; what, the history says as long as the event is kept.
        told = {name: value for name, value in entry.details.items() if name != "text"}
        await note(connection, principal, f"event.{entry.action}", row["event_id"], told)


async def _set(
    connection: Connection, row: Mapping[str, Any], columns: Mapping[str, Any]
) -> dict[str, Any]:
    query = sql.SQL(
        "UPDATE events SET {sets} WHERE event_id = %(event_id)s AND opened_at = %(opened_at)s "
        "RETURNING {columns}, remarks"
    ).format(
        sets=sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(f"set_{name}"))
            for name in columns
        ),
        columns=COLUMNS,
    )
    values = {f"set_{name}": value for name, value in columns.items()}
    values |= {"event_id": row["event_id"], "opened_at": row["opened_at"]}
    changed = await (await connection.execute(query, values, prepare=False)).fetchone()
    assert changed is not None  # It is locked.
    return changed
