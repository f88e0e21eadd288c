"""Models at sites: what runs, which releases were published, and publishing them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, FastAPI, Path, Request, Response
from psycopg import sql
from pydantic import BaseModel, Field, StringConstraints
from starlette.requests import HTTPConnection

from consumers.access.audit import note
from consumers.access.permissions import Permission
from consumers.access.principal import Principal
from consumers.api.context import Context, Parts
from consumers.api.idempotency import REPEATABLE, Answer, Once
from consumers.api.paging import Cursor, Keyset, Limit, Page, page
from consumers.api.problems import ProblemDocument
from consumers.api.security import allow
from consumers.api.shapes.models import ModelShown, Uploaded, Wishes, WishShown
from consumers.api.texts import Name, Slug
from consumers.documents.models_at_sites import KIND, ModelTold, state_at
from consumers.documents.receipts import COLUMNS, Told
from consumers.documents.rollouts import (
    Release,
    SharedTopic,
    note_weights,
    publish_release,
    sites_of,
    withdraw_release,
)
from consumers.documents.uploads import Uploads
from consumers.store.database import Connection
from schemas.records import ModelUpdate

MAX_WEIGHTS_BYTES = 512 << 20
MAX_CARD_CHARACTERS = 100_000
MAX_SITES = 1000
Reader = Annotated[Principal, allow(Permission.MODELS_READ)]
Writer = Annotated[Principal, allow(Permission.MODELS_WRITE)]
Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
Sites = Annotated[list[Slug], Field(min_length=1, max_length=MAX_SITES)]
BY_MODEL = Keyset(("document", str), ("site", str))
BY_WISH = Keyset(("model", str), ("place", str))
_BODY = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


@dataclass(frozen=True, slots=True)
class Shared:
    """What this process holds for the routes of models."""

    topic: SharedTopic
    uploads: Uploads


@asynccontextmanager
async def _of_the_process(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    context = cast(Context, app.state.context)
    shared = Shared(SharedTopic(context.settings.need("cloud_kafka")), Uploads())
    try:
        yield {"models": shared}
    finally:
        await shared.topic.close()


def _shared(connection: HTTPConnection) -> Shared:
    return cast(Shared, connection.state.models)


Process = Annotated[Shared, Depends(_shared)]
router = APIRouter(tags=["models"], lifespan=_of_the_process)


class NewRelease(BaseModel):
    """A card and weights for sites."""

    card: str = Field(max_length=MAX_CARD_CHARACTERS, description="The model.yaml text.")
    sha256: Sha256 | None = Field(
        None, description="Of weights that were uploaded; none for a model without."
    )
    sites: Sites
    max_answer_s: float = Field(5, gt=0, le=600, description="An answer may take so long.")
    max_missing: float | None = Field(
        None, ge=0, le=1, description="Share of the objects found before that may be missing."
    )
    max_score_change: float | None = Field(
        None, ge=0, le=1, description="Mean change of the scores of the same objects."
    )
    watch_s: float = Field(
        300, ge=0, le=86_400, description="For so long errors bring the version before back."
    )
    max_error_rate: float = Field(
        0.05, ge=0, le=1, description="Share of frames that may fail meanwhile."
    )


class Withdrawal(BaseModel):
    """Sites that are to go back to what they ran before."""

    sites: Sites


@router.get("/api/v1/models")
async def models(
    principal: Reader, parts: Parts, request: Request, limit: Limit = 100, cursor: Cursor = None
) -> Page[ModelShown]:
    """List what each site runs of each model that was ever published to it."""
    place = BY_MODEL.place(cursor)
    query = sql.SQL(
        "SELECT {} FROM receipts WHERE kind = %(kind)s AND {} AND {} ORDER BY {} LIMIT %(rows)s"
    ).format(COLUMNS, principal.scope.condition(camera=None), place.condition, BY_MODEL.order())
    values = {**place.values, "kind": KIND, "rows": limit + 1}
    async with parts.database.tenant(principal.organisation_id) as connection:
        rows = await (await connection.execute(query, values)).fetchall()
    return page(request, rows, limit, BY_MODEL, lambda row: _model(row))


@router.get("/api/v1/models/rollouts")
async def rollouts(
    principal: Reader,
    parts: Parts,
    process: Process,
    request: Request,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[WishShown]:
    """List the releases that were published, site by site, and how they stand there."""
    values = BY_WISH.place(cursor).values
    after = (str(values["after_0"]), str(values["after_1"])) if values else None
    published = await process.topic.ask(lambda topic: list(topic.published.values()))
    async with parts.database.tenant(principal.organisation_id) as connection:
        own = await sites_of(connection, principal.scope)
        wishes = _sorted(published, own)
        shown = [one for one in wishes if after is None or one[:2] > after][: limit + 1]
        told = await _told(connection, {place for _, place, _ in shown})
    rows = [{"model": model, "place": place, "": wish} for model, place, wish in shown]
    return page(
        request,
        rows,
        limit,
        BY_WISH,
        lambda row: _wish(row[""], row["place"], told.get((row["place"], row["model"]))),
    )


@router.put(
    "/api/v1/models/weights/{sha256}",
    status_code=201,
    openapi_extra={"requestBody": {"required": True, "content": _BODY}},
    max_body_size=MAX_WEIGHTS_BYTES,
)
async def upload_weights(
    sha256: Annotated[Sha256, Path(description="Of the body, hex.")],
    request: Request,
    principal: Writer,
    parts: Parts,
    process: Process,
) -> Uploaded:
    """Take a file of weights (ONNX) as it is, up to 512 MiB, to be published within an hour."""
    async with process.uploads.receive(request, sha256) as (path, size):
        await process.topic.ask(lambda topic: topic.send_weights(path, sha256))
    await note_weights(parts.mongo, principal, sha256, size)
    async with parts.database.tenant(principal.organisation_id) as connection:
        await note(connection, principal, "model.upload", sha256, {"size": size})
    return Uploaded(sha256=sha256, size=size)


@router.post(
    "/api/v1/models/{model}/releases",
    response_model=Wishes,
    status_code=202,
    responses={
        **REPEATABLE,
        409: {
            "model": ProblemDocument,
            "description": "The same request is still at work, or weights must be uploaded again.",
        },
    },
)
async def publish_model(
    model: Name,
    new: NewRelease,
    principal: Writer,
    parts: Parts,
    process: Process,
    once: Once,
) -> Response:
    """Have sites take up a card and weights; each tries it before it serves it.

    For waves, publish to a few sites, look at `GET /api/v1/models/rollouts`, and publish the same to
    more.
    """
    wanted = Release(
        model=model,
        card=new.card,
        sha256=new.sha256 or "",
        sites=tuple(dict.fromkeys(new.sites)),
        max_answer_s=new.max_answer_s,
        max_missing=new.max_missing,
        max_score_change=new.max_score_change,
        watch_s=new.watch_s,
        max_error_rate=new.max_error_rate,
    )

    async def work(connection: Connection) -> Answer:
        sent = await publish_release(connection, parts, process.topic, principal, wanted)
        return Answer(Wishes(items=[_wish(one, one.sites[0], None) for one in sent]), status=202)

    return await once(principal, work)


@router.post(
    "/api/v1/models/{model}/withdrawals",
    response_model=Wishes,
    status_code=202,
    responses=REPEATABLE,
)
async def withdraw_model(
    model: Name, wanted: Withdrawal, principal: Writer, process: Process, once: Once
) -> Response:
    """Take releases back: the sites return to what they ran before, if they still have it."""
    sites = tuple(dict.fromkeys(wanted.sites))

    async def work(connection: Connection) -> Answer:
        taken = await withdraw_release(connection, process.topic, principal, model, sites)
        return Answer(Wishes(items=[_wish(one, one.sites[0], None) for one in taken]), status=202)

    return await once(principal, work)


def _sorted(published: list[ModelUpdate], own: set[str]) -> list[tuple[str, str, ModelUpdate]]:
    """Return the wishes for these sites and for all (""), by model and site."""
    wishes = [
        (wish.model, place, wish)
        for wish in published
        for place in wish.sites or ("",)
        if not wish.deleted and (not place or place in own)
    ]
    return sorted(wishes, key=lambda one: one[:2])


async def _told(connection: Connection, sites: set[str]) -> dict[tuple[str, str], ModelTold]:
    query = sql.SQL("SELECT {} FROM receipts WHERE kind = %s AND site = ANY(%s)").format(COLUMNS)
    found = await connection.execute(query, [KIND, list(sites)])
    told = [ModelTold.of(Told.from_row(row)) async for row in found]
    return {(one.site, one.model): one for one in told}


def _model(row: Mapping[str, Any]) -> ModelShown:
    told = ModelTold.of(Told.from_row(row))
    return ModelShown(
        model=told.model,
        site=told.site,
        state=told.state,
        message=told.message,
        wanted=told.wanted,
        running=told.release,
        running_version=told.version,
        running_sha256=told.sha256,
        said_at=told.at,
    )


def _wish(wish: ModelUpdate, place: str, told: ModelTold | None) -> WishShown:
    state, message = state_at(wish, told)
    return WishShown(
        model=wish.model,
        site=place or None,
        release=wish.version,
        sha256=wish.sha256,
        size=wish.size,
        published_at=datetime.fromtimestamp(wish.published_at / 1000, UTC),
        state=state,
        message=message,
    )
