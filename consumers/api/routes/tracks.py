"""Finished tracks, also by where they went."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self

import shapely
from fastapi import APIRouter, Query, Request
from pydantic import Field, StringConstraints, model_validator
from shapely.validation import explain_validity

from consumers.access.permissions import Permission
from consumers.access.principal import Principal
from consumers.api.context import Parts
from consumers.api.paging import Page
from consumers.api.problems import Problem, not_found
from consumers.api.security import allow
from consumers.api.shapes.common import MAX_VALUES, Id, PageQuery
from consumers.api.shapes.tracks import (
    CrossingShown,
    StayShown,
    TrackFound,
    WholeTrack,
)
from consumers.api.texts import Line, Name, Slug
from consumers.api.times import When
from consumers.documents.answering import answering
from consumers.documents.configurations import utc
from consumers.documents.sites import insist_on_site
from consumers.documents.track_search import Found, Search, search

COLLECTION = "tracks"
LONGEST = timedelta(days=31)
"""From ``since`` to ``until``: how much a search may have to read."""
_NUMBER = r"(0(\.[0-9]{1,17})?|1(\.0{1,17})?)"
_PLACE = f"{_NUMBER},{_NUMBER}"
Reader = Annotated[Principal, allow(Permission.TRACKS_READ)]
router = APIRouter(tags=["tracks"])

Polygon = Annotated[
    str,
    StringConstraints(max_length=2000, pattern=f"^{_PLACE}(,{_PLACE}){{2,63}}$"),
    Field(description="`x,y,x,y,...` of three corners or more, 0 to 1 from the top left."),
]
Polyline = Annotated[
    str,
    StringConstraints(max_length=2000, pattern=f"^{_PLACE}(,{_PLACE}){{1,31}}$"),
    Field(description="`x,y,x,y,...` of two points or more, 0 to 1 from the top left."),
]


class TrackQuery(PageQuery):
    """Which tracks, and the place in the list."""

    site: Slug
    since: When = Field(description="Seen at or after.")
    until: When = Field(description="Seen before; at most 31 days later.")
    camera: list[Name] = Field([], max_length=MAX_VALUES)
    class_name: list[Line] = Field([], max_length=MAX_VALUES)
    zone: list[Name] = Field(
        [], max_length=MAX_VALUES, description="Zones of the configuration that it visited."
    )
    within: Polygon | None = Field(None, description="Inside this polygon between these times.")
    across: Polyline | None = Field(None, description="Across this line between these times.")
    direction: Literal["forward", "backward"] | None = Field(
        None,
        description="Of `across`: forward ends on the right, looking along the line on the screen.",
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.until - self.since > LONGEST:
            raise ValueError("`until` is more than 31 days after `since`: look in parts")
        if (self.within or self.across) and len(self.camera) != 1:
            raise ValueError("a place is one of a camera's picture: name one `camera`")
        if self.direction and not self.across:
            raise ValueError("`direction` is that across a line: give `across`")
        return self


@router.get("/api/v1/tracks")
async def tracks(
    request: Request, query: Annotated[TrackQuery, Query()], principal: Reader, parts: Parts
) -> Page[TrackFound]:
    """List tracks, those that began last first: who was in this polygon, who crossed this line?

    The answer is exact for the simplified paths. A page may hold fewer than `limit`, even none,
    and still have a `next`: so much was looked at.
    """
    wanted = Search(
        site=query.site,
        since=query.since,
        until=query.until,
        cameras=query.camera,
        classes=query.class_name,
        zones=query.zone,
        polygon=_polygon(query.within) if query.within else None,
        line=_points(query.across) if query.across else (),
        direction=query.direction,
    )
    async with parts.database.tenant(principal.organisation_id) as connection:
        batch = await search(connection, principal.scope, wanted, query.cursor, query.limit)
    following = None
    if batch.following is not None:
        url = request.url.include_query_params(cursor=batch.following)
        following = f"{url.path}?{url.query}"
    return Page(items=[_found(found) for found in batch.found], next=following)


@router.get("/api/v1/tracks/{site}/{track_id}")
async def track(site: Slug, track_id: Id, principal: Reader, parts: Parts) -> WholeTrack:
    """Return one track with its path."""
    with answering():
        document = await parts.mongo[COLLECTION].find_one(
            {"_id": {"track_id": track_id, "site": site}}
        )
    camera = None if document is None else str(document["camera"])
    async with parts.database.tenant(principal.organisation_id) as connection:
        await insist_on_site(connection, principal, site, camera)
    if document is None:
        raise not_found("track")
    return _whole(document)


def _found(found: Found) -> TrackFound:
    started_at = found.row["started_at"]
    stays = [
        StayShown(
            from_at=started_at + timedelta(seconds=stay.from_s),
            until_at=started_at + timedelta(seconds=stay.until_s),
        )
        for stay in found.stays
    ]
    crossings = [
        CrossingShown(at=started_at + timedelta(seconds=one.at_s), direction=one.direction)
        for one in found.crossings
    ]
    return TrackFound(**found.row, stays=stays, crossings=crossings)


def _whole(document: Mapping[str, Any]) -> WholeTrack:
    values: dict[str, Any] = {
        name: utc(value) if isinstance(value, datetime) else value
        for name, value in document.items()
        if name != "_id"
    }
    path = [{**place, "at": utc(place["at"])} for place in document["path"]]
    # Records of an older schema name no model.
    unnamed = {"model": "", "model_version": ""}
    return WholeTrack(**{**unnamed, **values, "path": path})


def _points(text: str) -> list[tuple[float, float]]:
    numbers = [float(number) for number in text.split(",")]
    points = list(zip(numbers[::2], numbers[1::2], strict=True))
    distinct = [
        point for index, point in enumerate(points) if index == 0 or point != points[index - 1]
    ]
    if len(distinct) < 2:
        raise _bad("across", "all its points are one")
    return distinct


def _polygon(text: str) -> shapely.Polygon:
    polygon = shapely.Polygon(_points(text) if len(set(_points(text))) > 2 else [])
    if polygon.is_empty or not polygon.is_valid or polygon.area == 0:
        raise _bad("within", f"it is no simple polygon: {explain_validity(polygon)}")
    return polygon


def _bad(where: str, what: str) -> Problem:
    return Problem(
        422,
        "bad-shape",
        "Not a shape",
        f"{where}: {what}",
        errors=[{"where": f"query.{where}", "what": what}],
    )
