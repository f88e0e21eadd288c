"""Live view: ask a site for a camera's frames, and look at them while they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import APIRouter, Body, Depends, FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from starlette.requests import HTTPConnection

from consumers.access.authenticate import reference, still_valid
from consumers.access.permissions import Permission
from consumers.access.principal import Principal
from consumers.api.context import Context, Parts
from consumers.api.idempotency import REPEATABLE, Answer, Once
from consumers.api.problems import Problem, not_found
from consumers.api.routes.commands import WaitS, order_shown
from consumers.api.security import allow, credentials_of
from consumers.api.shapes.commands import OrderShown
from consumers.api.texts import Name, Slug
from consumers.documents.commands import awaited_order, send_order
from consumers.documents.live_frames import LiveFrames
from consumers.documents.sites import check_camera, insist_on_camera
from consumers.store.database import Connection
from consumers.sync.commanding import LIVE
from consumers.sync.live import MAX_FPS, MAX_SECONDS, document_of
from schemas.errors import Retryable
from schemas.records import Frame

PATH = "/api/v1/cameras/{site}/{camera}/live"
VALID_S = 20.0
"""An order that reaches the site later is of no use to whoever gave it."""
FIRST_S = 10.0
"""So long the first picture is waited for."""
QUIET_S = 15.0
"""A stream ends after so long without a picture."""
LONGEST_S = 3600.0
ASK_AGAIN_S = 10.0
"""How often it is asked whether a viewer still may."""
BOUNDARY = "frame"
Coming = AsyncGenerator[Frame, None]
Viewer = Annotated[Principal, allow(Permission.LIVE_VIEW)]


@asynccontextmanager
async def _frames_of_the_process(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    context = cast(Context, app.state.context)
    frames = LiveFrames(context.settings.need("cloud_kafka"))
    try:
        yield {"live_frames": frames}
    finally:
        await frames.close()


def _live_frames(connection: HTTPConnection) -> LiveFrames:
    return cast(LiveFrames, connection.state.live_frames)


Frames = Annotated[LiveFrames, Depends(_live_frames)]
router = APIRouter(tags=["live"], lifespan=_frames_of_the_process)
_JPEG: dict[str, Any] = {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}
_MULTIPART: dict[str, Any] = {
    "multipart/x-mixed-replace": {"schema": {"type": "string", "format": "binary"}}
}


class Wanted(BaseModel):
    """How a camera is to be shown."""

    fps: int = Field(MAX_FPS, ge=1, le=MAX_FPS, description="Frames a second, at most.")
    seconds: int = Field(
        MAX_SECONDS, ge=1, le=MAX_SECONDS, description="For so long; asked again, it goes on."
    )


AS_MUCH_AS_GOES = Wanted(fps=MAX_FPS, seconds=MAX_SECONDS)


@router.post(PATH, response_model=OrderShown, status_code=202, responses=REPEATABLE)
async def show_live(
    site: Slug,
    camera: Name,
    principal: Viewer,
    parts: Parts,
    once: Once,
    wanted: Annotated[Wanted, Body()] = AS_MUCH_AS_GOES,
) -> Response:
    """Ask a site to send a camera's frames for a while.

    A site shows a few cameras at once; whether it does says `GET …/live/{command_id}`. Without being
    asked again it stops by itself.
    """

    async def work(connection: Connection) -> Answer:
        await insist_on_camera(connection, principal, site, camera)
        order = await send_order(
            connection,
            parts,
            principal,
            site,
            LIVE,
            {"camera": camera, "fps": wanted.fps, "seconds": wanted.seconds},
            document_of(camera),
            valid_s=VALID_S,
        )
        return Answer(order_shown(order), status=202)

    return await once(principal, work)


@router.get(f"{PATH}/{{command_id}}")
async def live_answer(
    site: Slug,
    camera: Name,
    command_id: UUID,
    principal: Viewer,
    parts: Parts,
    wait_s: WaitS = 0,
) -> OrderShown:
    """Return what the site said to the wish to see a camera, and until when it shows it."""
    insist = partial(insist_on_camera, principal=principal, site=site, camera=camera)
    order = await awaited_order(parts, principal, insist, site, str(command_id), wait_s)
    if order is None or order.document != document_of(camera):
        raise not_found("order for this camera")
    return order_shown(order)


@router.get(
    PATH,
    response_class=StreamingResponse,
    responses={200: {"content": _MULTIPART, "description": "A JPEG after the other."}},
)
async def live_stream(
    site: Slug, camera: Name, principal: Viewer, parts: Parts, frames: Frames, request: Request
) -> Response:
    """Return the frames that come, as a stream of JPEG for an `<img>`; ask for them first."""
    await check_camera(parts.database, principal, site, camera)
    coming = frames.frames(site, camera)
    first = await _first(coming)
    may = _Permission(parts, request, site, camera)
    return StreamingResponse(
        _parts(first, coming, may),
        media_type=f"multipart/x-mixed-replace; boundary={BOUNDARY}",
        headers={"Cache-Control": "no-store"},
    )


@router.get(
    f"{PATH}.jpg",
    response_class=Response,
    responses={200: {"content": _JPEG, "description": "The newest frame."}},
)
async def live_picture(
    site: Slug, camera: Name, principal: Viewer, parts: Parts, frames: Frames
) -> Response:
    """Return the newest frame that comes; ask for frames first."""
    await check_camera(parts.database, principal, site, camera)
    coming = frames.frames(site, camera)
    frame = await _first(coming)
    await coming.aclose()
    headers = {"Cache-Control": "no-store", "Sightline-Captured-At": _captured(frame)}
    return Response(frame.jpeg, media_type="image/jpeg", headers=headers)


class _Permission:
    """Whether whoever looks still may: a session ends, a role is taken away."""

    def __init__(self, parts: Context, request: Request, site: str, camera: str) -> None:
        self._database = parts.database
        self._who = reference(credentials_of(request))
        self._place = site, camera
        self._clock = asyncio.get_running_loop().time
        self._ask_s = self._clock() + ASK_AGAIN_S

    async def lasts(self) -> bool:
        """Ask again where it is time to."""
        if self._clock() < self._ask_s or self._who is None:
            return True
        self._ask_s = self._clock() + ASK_AGAIN_S
        try:
            principal = (await still_valid(self._database, [self._who])).get(self._who)
            if principal is None or not principal.may(Permission.LIVE_VIEW):
                return False
            await check_camera(self._database, principal, *self._place)
        except (Retryable, Problem):
            # Without an answer nobody may look.
            return False
        return True


async def _first(coming: Coming) -> Frame:
    try:
        return await asyncio.wait_for(anext(coming), FIRST_S)
    except TimeoutError:
        raise Problem(
            404,
            "no-picture",
            "No picture comes",
            "ask for the camera's frames with POST at the same address first; if they were asked "
            "for, the site or its camera does not send any",
        ) from None


async def _parts(first: Frame, coming: Coming, may: _Permission) -> AsyncIterator[bytes]:
    """Yield the body: each boundary at once, for browsers show a picture only when it has come."""
    clock = asyncio.get_running_loop().time
    ends_s = clock() + LONGEST_S
    yield f"--{BOUNDARY}\r\n".encode()
    frame = first
    while clock() < ends_s and await may.lasts():
        yield _part(frame)
        try:
            frame = await asyncio.wait_for(anext(coming), QUIET_S)
        except TimeoutError:
            return


def _part(frame: Frame) -> bytes:
    head = (
        f"Content-Type: image/jpeg\r\nContent-Length: {len(frame.jpeg)}\r\n"
        f"Sightline-Captured-At: {_captured(frame)}\r\n\r\n"
    )
    return head.encode() + frame.jpeg + f"\r\n--{BOUNDARY}\r\n".encode()


def _captured(frame: Frame) -> str:
    return datetime.fromtimestamp(frame.captured_at / 1000, UTC).isoformat(timespec="milliseconds")
