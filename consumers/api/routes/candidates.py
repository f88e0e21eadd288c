"""Candidates: what rules matched, what the filter made of it, and taking that back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field

from consumers.access.audit import note
from consumers.access.permissions import Permission
from consumers.access.principal import Principal
from consumers.api.context import Parts
from consumers.api.paging import Keyset, Page, page
from consumers.api.problems import Problem, ProblemDocument, not_found
from consumers.api.security import allow
from consumers.api.shapes.candidates import Candidate, CandidateDetails, Verdict
from consumers.api.shapes.common import MAX_VALUES, Id, PageQuery, SiteCamera, pairs
from consumers.api.texts import Line, Name, Slug
from consumers.api.times import When
from consumers.store import candidates
from consumers.store.database import Connection
from consumers.store.feedback import Subject, say

router = APIRouter(tags=["candidates"])
NEWEST = Keyset(("matched_at", datetime), ("candidate_id", str), descending=True)
CandidateId = Annotated[Id, Path(description="Of the candidate.")]
MayRead = Annotated[Principal, allow(Permission.EVENTS_READ)]
MayHandle = Annotated[Principal, allow(Permission.EVENTS_HANDLE)]


class CandidateQuery(PageQuery):
    """Which candidates, and the place in the list."""

    since: When | None = Field(default=None, description="Matched at or after.")
    until: When | None = Field(default=None, description="Matched before.")
    site: list[Slug] = Field(default=[], max_length=MAX_VALUES)
    camera: list[SiteCamera] = Field(default=[], max_length=MAX_VALUES)
    group: UUID | None = Field(default=None, description="Of cameras in this group.")
    rule: list[Name] = Field(default=[], max_length=MAX_VALUES)
    class_name: list[Line] = Field(default=[], max_length=MAX_VALUES)
    verdict: list[Verdict] = Field(default=[], max_length=MAX_VALUES)


@router.get("/api/v1/candidates")
async def list_candidates(
    request: Request, query: Annotated[CandidateQuery, Query()], principal: MayRead, parts: Parts
) -> Page[Candidate]:
    """List candidates with their reasons, the newest first."""
    asked = candidates.CandidateFilter(
        since=query.since,
        until=query.until,
        sites=tuple(query.site),
        cameras=pairs(query.camera),
        group=query.group,
        rules=tuple(query.rule),
        classes=tuple(query.class_name),
        verdicts=tuple(query.verdict),
    )
    look = NEWEST.look(query.cursor, query.limit)
    async with parts.database.tenant(principal.organisation_id) as connection:
        rows = await candidates.find_candidates(
            connection, principal.scope, asked, look, datetime.now(UTC)
        )
    return page(request, rows, query.limit, NEWEST, Candidate.model_validate)


@router.get("/api/v1/candidates/{candidate_id}")
async def get_candidate(
    candidate_id: CandidateId, principal: MayRead, parts: Parts
) -> CandidateDetails:
    """Show a candidate with its evidence and what operators said of it."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        return await _details(connection, principal, candidate_id)


@router.post(
    "/api/v1/candidates/{candidate_id}/restore",
    responses={409: {"model": ProblemDocument, "description": "It was not suppressed."}},
)
async def restore_candidate(
    candidate_id: CandidateId, principal: MayHandle, parts: Parts
) -> CandidateDetails:
    """Tell the site that a suppressed candidate was real: it becomes an event there.

    `words` shows how far the word has come; sent again, it is the same word.
    """
    async with parts.database.tenant(principal.organisation_id) as connection:
        row = await candidates.candidate_row(connection, principal.scope, candidate_id)
        if row is None:
            raise not_found("candidate")
        if row["verdict"] != "suppressed":
            raise Problem(
                409,
                "not-suppressed",
                "Not suppressed",
                f"the candidate is {row['verdict']}: only what was suppressed can be restored",
            )
        subject = Subject(
            site=row["site"],
            camera=row["camera"],
            at=row["matched_at"],
            candidate_id=candidate_id,
        )
        feedback_id = await say(connection, principal, subject, "confirmed")
        details = {"feedback_id": feedback_id}
        await note(connection, principal, "candidate.restore", candidate_id, details)
        shown = await _details(connection, principal, candidate_id)
    parts.outbox.wake()
    return shown


async def _details(
    connection: Connection, principal: Principal, candidate_id: str
) -> CandidateDetails:
    row = await candidates.candidate_row(connection, principal.scope, candidate_id)
    if row is None:
        raise not_found("candidate")
    belonging = await candidates.parts_of(connection, candidate_id)
    return CandidateDetails.model_validate({**row, **belonging})
