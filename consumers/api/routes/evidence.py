"""Evidence: lists, short-lived links, and the content itself for those who cannot reach the store."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from consumers.access.audit import note
from consumers.access.permissions import Permission
from consumers.access.principal import Principal
from consumers.api.context import Parts
from consumers.api.paging import Keyset, Page, page
from consumers.api.problems import Problem, not_found
from consumers.api.ranges import UNSATISFIABLE, Unsatisfiable, byte_range
from consumers.api.security import allow
from consumers.api.shapes.common import MAX_VALUES, Id, PageQuery, SiteCamera, pairs
from consumers.api.shapes.evidence import Evidence, EvidenceLink
from consumers.api.texts import Slug
from consumers.api.times import When
from consumers.sinks.objects import SUFFIXES
from consumers.store import evidence_search
from consumers.store.database import Connection
from schemas.errors import Rejected

router = APIRouter(tags=["evidence"])
LINK_LASTS = timedelta(minutes=5)
NEWEST = Keyset(("from_at", datetime), ("evidence_id", str), descending=True)
EvidenceId = Annotated[Id, Path(description="Of the piece of evidence.")]
MayRead = Annotated[Principal, allow(Permission.EVIDENCE_READ)]
_BINARY: dict[str, Any] = {
    content_type: {"schema": {"type": "string", "format": "binary"}} for content_type in SUFFIXES
}


class EvidenceQuery(PageQuery):
    """Which evidence, and the place in the list."""

    since: When | None = Field(default=None, description="Beginning at or after.")
    until: When | None = Field(default=None, description="Beginning before.")
    site: list[Slug] = Field(default=[], max_length=MAX_VALUES)
    camera: list[SiteCamera] = Field(default=[], max_length=MAX_VALUES)
    event_id: Id | None = None
    candidate_id: Id | None = None
    kind: list[Literal["snapshot", "clip"]] = Field(default=[], max_length=2)
    status: list[Literal["ok", "expired", "failed"]] = Field(default=[], max_length=3)


@router.get("/api/v1/evidence")
async def list_evidence(
    request: Request, query: Annotated[EvidenceQuery, Query()], principal: MayRead, parts: Parts
) -> Page[Evidence]:
    """List pictures and clips, the newest first."""
    asked = evidence_search.EvidenceFilter(
        since=query.since,
        until=query.until,
        sites=tuple(query.site),
        cameras=pairs(query.camera),
        event_id=query.event_id,
        candidate_id=query.candidate_id,
        kinds=tuple(query.kind),
        statuses=tuple(query.status),
    )
    look = NEWEST.look(query.cursor, query.limit)
    async with parts.database.tenant(principal.organisation_id) as connection:
        rows = await evidence_search.find_evidence(connection, principal.scope, asked, look)
    return page(request, rows, query.limit, NEWEST, Evidence.model_validate)


@router.get("/api/v1/evidence/{evidence_id}")
async def get_evidence(evidence_id: EvidenceId, principal: MayRead, parts: Parts) -> Evidence:
    """Show what a piece of evidence is."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        row = await evidence_search.evidence_row(connection, principal.scope, evidence_id)
    if row is None:
        raise not_found("evidence")
    return Evidence.model_validate(row)


@router.get("/api/v1/evidence/{evidence_id}/link")
async def link_evidence(evidence_id: EvidenceId, principal: MayRead, parts: Parts) -> EvidenceLink:
    """Sign a link to the object store that anybody may open for five minutes."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        row = await _stored(connection, principal, evidence_id)
        await note(connection, principal, "evidence.link", evidence_id)
    expires_at = datetime.now(UTC) + LINK_LASTS
    url = parts.objects.link(row["bucket"], row["object_key"], LINK_LASTS, _file_name(row))
    return EvidenceLink(url=url, expires_at=expires_at)


@router.get(
    "/api/v1/evidence/{evidence_id}/content",
    response_class=Response,
    responses={
        200: {"description": "The whole.", "content": _BINARY},
        206: {"description": "The bytes asked for.", "content": _BINARY},
        **UNSATISFIABLE,
    },
)
async def read_evidence(
    evidence_id: EvidenceId,
    principal: MayRead,
    parts: Parts,
    wanted: Annotated[
        str | None,
        Header(alias="Range", max_length=200, description="One range of bytes: `bytes=0-99`."),
    ] = None,
) -> Response:
    """Give the picture or clip itself, whole or a range of it."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        row = await _stored(connection, principal, evidence_id)
        try:
            part = byte_range(wanted, row["size"])
        except Unsatisfiable as error:
            raise _no_such_range(row["size"], error) from error
        # Players fetch a clip in many pieces; that it was looked at is told once.
        if part is None or part.first == 0:
            await note(connection, principal, "evidence.read", evidence_id)
    size = row["size"]
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": f'"{row["sha256"]}"',
        "Cache-Control": "private, max-age=3600",
        "Content-Disposition": f'inline; filename="{_file_name(row)}"',
    }
    first, length = (0, size) if part is None else (part.first, part.length)
    if part is not None:
        headers["Content-Range"] = f"bytes {first}-{first + length - 1}/{size}"
    status = 200 if part is None else 206
    headers["Content-Length"] = str(length)
    try:
        pieces = await asyncio.to_thread(
            parts.objects.read, row["bucket"], row["object_key"], first, length
        )
    except Rejected as error:
        raise _gone("its object is no longer in the store") from error
    return StreamingResponse(pieces, status, headers, media_type=row["content_type"])


async def _stored(connection: Connection, principal: Principal, evidence_id: str) -> dict[str, Any]:
    row = await evidence_search.evidence_row(connection, principal.scope, evidence_id)
    if row is None:
        raise not_found("evidence")
    if not row["bucket"] or not row["object_key"]:
        raise _gone(f"it is {row['status']}: {row['reason'] or 'no reason is given'}")
    return row


def _no_such_range(size: int, error: Unsatisfiable) -> Problem:
    headers = {"Content-Range": f"bytes */{size}"}
    return Problem(416, "no-such-range", "No such range", str(error), headers=headers)


def _gone(why: str) -> Problem:
    return Problem(404, "no-content", "No content", f"this evidence has no content: {why}")


def _file_name(row: dict[str, Any]) -> str:
    suffix = SUFFIXES.get(row["content_type"], "bin")
    return f"{row['site']}-{row['camera']}-{row['from_at']:%Y%m%dT%H%M%SZ}-{row['kind']}.{suffix}"
