"""Counts per sensor, other figures per bucket of time, heat maps."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field

from consumers.access.permissions import Permission
from consumers.access.principal import Principal
from consumers.api.context import Context, Parts
from consumers.api.paging import Keyset, Page, page
from consumers.api.problems import not_found
from consumers.api.security import allow
from consumers.api.shapes.common import MAX_VALUES, PageQuery
from consumers.api.shapes.rollups import (
    COLUMNS,
    ROWS,
    Bucket,
    CandidateFigures,
    Count,
    EventFigures,
    HeatMap,
    Uptime,
)
from consumers.api.texts import Name, Slug
from consumers.api.times import FIRST, LAST, When
from consumers.store import rollups

router = APIRouter(tags=["counts"])
MayRead = Annotated[Principal, allow(Permission.COUNTS_READ)]
GRAINS: dict[str, rollups.Grain] = {"minute": "minute", "hour": "hour", "day": "local_day"}
B = TypeVar("B", bound=Bucket)


class RollupQuery(PageQuery):
    """Which buckets of which site, and the place in the list."""

    site: Slug
    since: When = Field(description="Buckets that begin at or after.")
    until: When | None = Field(
        default=None, description="Buckets that begin before; by default now."
    )
    camera: list[Name] = Field(default=[], max_length=MAX_VALUES)


class FineQuery(RollupQuery):
    """With buckets of a minute, too."""

    bucket: Literal["minute", "hour", "day"] = Field(
        default="hour", description="Days are those of the site's time zone."
    )


class CountQuery(FineQuery):
    """Which sensors."""

    sensor: list[Name] = Field(default=[], max_length=MAX_VALUES)


class RuleQuery(FineQuery):
    """Which rules."""

    rule: list[Name] = Field(default=[], max_length=MAX_VALUES)


class UptimeQuery(RollupQuery):
    """Whole hours or days."""

    bucket: Literal["hour", "day"] = Field(
        default="hour", description="Days are those of the site's time zone."
    )


@router.get("/api/v1/counts")
async def list_counts(
    request: Request, query: Annotated[CountQuery, Query()], principal: MayRead, parts: Parts
) -> Page[Count]:
    """List what the sensors of a site counted, bucket by bucket."""
    named = (("sensor", tuple(query.sensor)),)
    asked = _asked(query, query.bucket, named)
    return await _buckets(request, parts, principal, query, rollups.COUNTS, asked, Count)


@router.get("/api/v1/figures/events")
async def list_event_figures(
    request: Request, query: Annotated[RuleQuery, Query()], principal: MayRead, parts: Parts
) -> Page[EventFigures]:
    """List how many events each rule of a site had, and what operators called them."""
    asked = _asked(query, query.bucket, (("rule", tuple(query.rule)),))
    return await _buckets(request, parts, principal, query, rollups.EVENTS, asked, EventFigures)


@router.get("/api/v1/figures/candidates")
async def list_candidate_figures(
    request: Request, query: Annotated[RuleQuery, Query()], principal: MayRead, parts: Parts
) -> Page[CandidateFigures]:
    """List how many candidates each rule of a site had, and what the filter made of them."""
    asked = _asked(query, query.bucket, (("rule", tuple(query.rule)),))
    return await _buckets(
        request, parts, principal, query, rollups.CANDIDATES, asked, CandidateFigures
    )


@router.get("/api/v1/figures/uptime")
async def list_uptime(
    request: Request, query: Annotated[UptimeQuery, Query()], principal: MayRead, parts: Parts
) -> Page[Uptime]:
    """List for how long the cameras of a site were there."""
    asked = _asked(query, query.bucket, ())
    return await _buckets(request, parts, principal, query, rollups.UPTIME, asked, Uptime)


@router.get("/api/v1/cameras/{site}/{camera}/heat-map")
async def get_heat_map(
    site: Annotated[Slug, Path(description="Of the site.")],
    camera: Annotated[Name, Path(description="In the site's configuration.")],
    day: Annotated[
        date, Query(ge=FIRST.date(), lt=LAST.date(), description="Of the site's time zone.")
    ],
    principal: MayRead,
    parts: Parts,
) -> HeatMap:
    """Show where objects were in a camera's picture on a day; no cell counts where none was."""
    if not principal.scope.allows(site, camera):
        raise not_found("camera")
    async with parts.database.tenant(principal.organisation_id) as connection:
        zone = await rollups.zone_of(connection, principal.scope, site)
        if zone is None:
            raise not_found("camera")
        row = await rollups.heat_of(connection, site, camera, day, zone)
    if row is None:
        row = {**_span_of(day, zone), "tracks": 0, "cells": [0] * (COLUMNS * ROWS)}
    return HeatMap(
        site=site,
        camera=camera,
        day=day,
        timezone=zone,
        from_at=row["bucket_at"],
        to_at=row["ends_at"],
        tracks=row["tracks"],
        cells_ms=row["cells"],
    )


def _asked(
    query: RollupQuery, bucket: str, named: tuple[tuple[str, tuple[str, ...]], ...]
) -> rollups.RollupFilter:
    return rollups.RollupFilter(
        site=query.site,
        since=query.since,
        until=query.until or datetime.now(UTC),
        grain=GRAINS[bucket],
        cameras=tuple(query.camera),
        named=named,
    )


async def _buckets(
    request: Request,
    parts: Context,
    principal: Principal,
    query: RollupQuery,
    rollup: rollups.Rollup,
    asked: rollups.RollupFilter,
    shown: type[B],
) -> Page[B]:
    columns: list[tuple[str, Any]] = [("bucket_at", datetime), ("camera", str)]
    order = Keyset(*columns, *((key, str) for key in rollup.keys))
    look = order.look(query.cursor, query.limit)
    async with parts.database.tenant(principal.organisation_id) as connection:
        if await rollups.zone_of(connection, principal.scope, query.site) is None:
            raise not_found("site")
        rows = await rollups.find_rollups(connection, principal.scope, rollup, asked, look)
    return page(request, rows, query.limit, order, shown.model_validate)


def _span_of(day: date, zone: str) -> dict[str, datetime]:
    place = ZoneInfo(zone)
    begins = datetime.combine(day, time(), place)
    ends = datetime.combine(day + timedelta(days=1), time(), place)
    return {"bucket_at": begins.astimezone(UTC), "ends_at": ends.astimezone(UTC)}
