"""Events: search, particulars, and how people handle them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from consumers.access.permissions import Permission
from consumers.access.principal import Principal
from consumers.api.context import Parts
from consumers.api.idempotency import REPEATABLE, Answer, Once
from consumers.api.paging import Keyset, Page, page
from consumers.api.preconditions import (
    CHANGED_ELSEWHERE,
    NOT_MODIFIED,
    IfMatch,
    IfNoneMatch,
    content_tag,
    insist,
    is_held,
    version_tag,
)
from consumers.api.problems import Problem, not_found
from consumers.api.security import allow
from consumers.api.shapes.common import Id, PageQuery, pairs
from consumers.api.shapes.events import (
    Acknowledge,
    Acknowledged,
    AcknowledgedEvents,
    Comment,
    Event,
    EventDetails,
    EventFilter,
    Handling,
    HandlingChange,
)
from consumers.store import bulk, event_details, event_search, handling
from consumers.store.database import Connection

router = APIRouter(tags=["events"])
NEWEST = Keyset(("opened_at", datetime), ("event_id", str), descending=True)
OLDEST = Keyset(("opened_at", datetime), ("event_id", str))
EventId = Annotated[Id, Path(description="Of the event.")]
MayRead = Annotated[Principal, allow(Permission.EVENTS_READ)]
MayHandle = Annotated[Principal, allow(Permission.EVENTS_HANDLE)]


class EventQuery(EventFilter, PageQuery):
    """A filter with the order and the place in it."""

    order: Literal["newest", "oldest"] = "newest"


@router.get("/api/v1/events")
async def list_events(
    request: Request, query: Annotated[EventQuery, Query()], principal: MayRead, parts: Parts
) -> Page[Event]:
    """List events by time, the newest first unless the oldest are asked for.

    A page of a search by `text` may hold fewer than `limit`, even none, though `next` goes on: it
    looks among about a million events.
    """
    order = NEWEST if query.order == "newest" else OLDEST
    look = order.look(query.cursor, query.limit)
    async with parts.database.tenant(principal.organisation_id) as connection:
        seen = await event_search.find_events(
            connection,
            principal.scope,
            _asked(query),
            look,
            _now(),
            most_for_text=event_search.MOST_FOR_TEXT,
        )
    stopped = {"opened_at": seen.stopped_at, "event_id": ""} if seen.stopped_at else None
    return page(request, seen.rows, query.limit, order, Event.of, stopped)


@router.get("/api/v1/events/{event_id}", response_model=EventDetails, responses=NOT_MODIFIED)
async def get_event(
    event_id: EventId, principal: MayRead, parts: Parts, if_none_match: IfNoneMatch = None
) -> Response:
    """Show an event with its changes, candidates and their reasons, evidence and history."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        row = await event_details.event_row(connection, principal.scope, event_id)
        if row is None:
            raise not_found("event")
        belonging = await event_details.parts_of(connection, principal.scope, row)
    shown = EventDetails.model_validate({**row, "handling": Handling.of(row), **belonging})
    body = shown.model_dump_json()
    tag = content_tag(body)
    if is_held(if_none_match, tag):
        return Response(status_code=304, headers={"ETag": tag})
    return Response(body, media_type="application/json", headers={"ETag": tag})


@router.get("/api/v1/events/{event_id}/handling")
async def get_handling(
    event_id: EventId, response: Response, principal: MayRead, parts: Parts
) -> Handling:
    """Show how an event is handled; its ETag goes into the If-Match of a change."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        row = await event_details.event_row(connection, principal.scope, event_id)
    if row is None:
        raise not_found("event")
    response.headers["ETag"] = version_tag(row["handling_version"])
    return Handling.of(row)


@router.patch("/api/v1/events/{event_id}/handling", responses=CHANGED_ELSEWHERE)
async def change_handling(
    event_id: EventId,
    change: HandlingChange,
    response: Response,
    principal: MayHandle,
    parts: Parts,
    if_match: IfMatch = None,
) -> Handling:
    """Acknowledge, resolve or reopen an event, give it to somebody, say what it was.

    A label is a word to the site, whose filter learns from it: see `words` of the event.
    """
    async with parts.database.tenant(principal.organisation_id) as connection:
        row = await _locked(connection, principal, event_id)
        insist(if_match, version_tag(row["handling_version"]))
        wanted = await _wanted(connection, row, change)
        row = await handling.change_event(connection, principal, row, wanted, _now())
    parts.outbox.wake()
    response.headers["ETag"] = version_tag(row["handling_version"])
    return Handling.of(row)


@router.post("/api/v1/events/{event_id}/acknowledge")
async def acknowledge_event(
    event_id: EventId, response: Response, principal: MayHandle, parts: Parts
) -> Handling:
    """Acknowledge an event; one that somebody has acknowledged already stays theirs."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        row: Any = await _locked(connection, principal, event_id)
        if row["handling"] == "new":
            change = handling.Change(state="acknowledged")
            row = await handling.change_event(connection, principal, row, change, _now())
    response.headers["ETag"] = version_tag(row["handling_version"])
    return Handling.of(row)


@router.post(
    "/api/v1/events/{event_id}/comments",
    status_code=201,
    response_model=Comment,
    responses=REPEATABLE,
)
async def comment_event(
    event_id: EventId, comment: Comment, principal: MayHandle, once: Once
) -> Response:
    """Comment on an event; the comment stands in its history and is found by a search."""

    async def work(connection: Connection) -> Answer:
        row = await _locked(connection, principal, event_id)
        await handling.comment(connection, principal, row, comment.text)
        return Answer(comment, status=201)

    return await once(principal, work)


@router.post("/api/v1/events/acknowledge", response_model=AcknowledgedEvents, responses=REPEATABLE)
async def acknowledge_events(wanted: Acknowledge, principal: MayHandle, once: Once) -> Response:
    """Acknowledge up to 1000 events at once, by ids or the newest new ones of a filter."""
    if (wanted.event_ids is None) == (wanted.filter is None):
        raise Problem(
            422, "invalid", "Which events?", "give either `event_ids` or a `filter`, not both"
        )

    async def work(connection: Connection) -> Answer:
        now = _now()
        more = False
        event_ids = wanted.event_ids or []
        if wanted.filter is not None:
            asked = _asked(wanted.filter.model_copy(update={"handling": ["new"]}))
            look = NEWEST.look(None, wanted.limit)
            seen = await event_search.find_events(connection, principal.scope, asked, look, now)
            event_ids = [row["event_id"] for row in seen.rows[: wanted.limit]]
            more = len(seen.rows) > wanted.limit
        outcomes = await bulk.acknowledge_events(connection, principal, event_ids, now)
        results = [
            Acknowledged(event_id=event_id, outcome=outcome)
            for event_id, outcome in outcomes.items()
        ]
        return Answer(AcknowledgedEvents(results=results, more=more))

    return await once(principal, work)


async def _locked(connection: Connection, principal: Principal, event_id: str) -> dict[str, Any]:
    row = await handling.locked_event(connection, principal.scope, event_id)
    if row is None:
        raise not_found("event")
    return row


async def _wanted(
    connection: Connection, event: dict[str, Any], change: HandlingChange
) -> handling.Change:
    given = change.model_fields_set
    if not given:
        raise Problem(422, "invalid", "Nothing to change", "give state, assigned_to or label")
    assign = None
    if "assigned_to" in given:
        somebody = change.assigned_to
        if somebody is not None and not await handling.may_be_given(connection, event, somebody):
            raise Problem(
                422,
                "no-such-member",
                "Nobody to assign to",
                f"no member {somebody} may see this event: see GET /api/v1/users",
            )
        assign = handling.Assign(somebody)
    return handling.Change(state=change.state, assign=assign, label=change.label)


def _asked(query: EventFilter) -> event_search.EventFilter:
    return event_search.EventFilter(
        since=query.since,
        until=query.until,
        sites=tuple(query.site),
        cameras=pairs(query.camera),
        group=query.group,
        rules=tuple(query.rule),
        severities=tuple(query.severity),
        classes=tuple(query.class_name),
        verdicts=tuple(query.verdict),
        modes=tuple(query.mode),
        states=tuple(query.state),
        handling=tuple(query.handling),
        labels=tuple(query.label),
        assigned_to=query.assigned_to,
        text=query.text,
    )


def _now() -> datetime:
    return datetime.now(UTC)
