"""The asynchronous client; blocking.py has the same methods."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack
from uuid import UUID

import httpx
from httpx_sse import aconnect_sse
from pydantic import BaseModel

from consumers.api.shapes.candidates import Candidate, CandidateDetails
from consumers.api.shapes.events import (
    MAX_AT_ONCE,
    AcknowledgedEvents,
    Comment,
    Event,
    EventDetails,
    EventFilter,
    Handling,
)
from consumers.api.shapes.evidence import Evidence, EvidenceLink
from consumers.api.shapes.rollups import CandidateFigures, Count, EventFigures, HeatMap, Uptime
from consumers.api.shapes.sites import Camera, CameraGroup, CameraGroupDetails, Health, Site
from consumers.client.calls import Call, PageOf, next_page
from consumers.client.errors import error_of
from consumers.client.following import (
    ENDED,
    STREAM,
    STREAM_TIMEOUT,
    Message,
    headers_of,
    message_of,
)
from consumers.client.operations import figures, live, places
from consumers.client.operations import happenings as ask
from consumers.client.pictures import Pictures
from consumers.client.subjects import Asynchronous, Subjects
from consumers.client.trying import TIMEOUT_S, Patience

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


class AsyncSightline(Subjects[Asynchronous]):
    """One cloud, seen with one key. Lists are fetched a page at a time, as they are used up."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        patience: Patience | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Connect to nothing yet; ``url`` is the API's address without a path."""
        super().__init__(self)
        self._patience = patience or Patience()
        self._http = httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=TIMEOUT_S,
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        """Close with the block."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def events(self, **filters: Unpack[ask.EventsOf]) -> AsyncIterator[Event]:
        """Go through events, the newest first unless ``order="oldest"``."""
        return self.every(ask.events(**filters))

    async def event(self, event_id: str) -> EventDetails:
        """Return an event with changes, candidates, evidence, history and words."""
        return await self.do(ask.event(event_id))

    async def handling(self, event_id: str) -> Handling:
        """Return how an event is handled; its ``version`` goes into a change."""
        return await self.do(ask.handling(event_id))

    async def acknowledge(self, event_id: str) -> Handling:
        """Acknowledge an event; one that is acknowledged already stays so."""
        return await self.do(ask.acknowledge(event_id))

    async def change_handling(
        self, event_id: str, version: int | None, **changes: Unpack[ask.HandlingOf]
    ) -> Handling:
        """Set ``state``, ``assigned_to`` or ``label`` at a version; None: whatever version it has.

        Raises:
            Stale: somebody else changed it since.
        """
        return await self.do(ask.change_handling(event_id, version, **changes))

    async def comment(self, event_id: str, text: str) -> Comment:
        """Comment on an event."""
        return await self.do(ask.comment(event_id, text))

    async def acknowledge_many(self, event_ids: Sequence[str]) -> AcknowledgedEvents:
        """Acknowledge up to 1000 events."""
        return await self.do(ask.acknowledge_many(event_ids))

    async def acknowledge_found(
        self, wanted: EventFilter, limit: int = MAX_AT_ONCE
    ) -> AcknowledgedEvents:
        """Acknowledge the newest new events that a filter finds."""
        return await self.do(ask.acknowledge_found(wanted, limit))

    def candidates(self, **filters: Unpack[ask.CandidatesOf]) -> AsyncIterator[Candidate]:
        """Go through candidates, the newest first."""
        return self.every(ask.candidates(**filters))

    async def candidate(self, candidate_id: str) -> CandidateDetails:
        """Return a candidate with its evidence and the words on it."""
        return await self.do(ask.candidate(candidate_id))

    async def restore(self, candidate_id: str) -> CandidateDetails:
        """Tell the site that a suppressed candidate was real."""
        return await self.do(ask.restore(candidate_id))

    def evidence(self, **filters: Unpack[ask.EvidenceOf]) -> AsyncIterator[Evidence]:
        """Go through evidence, the newest first."""
        return self.every(ask.evidence(**filters))

    async def piece_of_evidence(self, evidence_id: str) -> Evidence:
        """Return what a piece of evidence is."""
        return await self.do(ask.piece_of_evidence(evidence_id))

    async def evidence_link(self, evidence_id: str) -> EvidenceLink:
        """Return a link to a picture or clip that anybody may open for five minutes."""
        return await self.do(ask.evidence_link(evidence_id))

    async def evidence_content(self, evidence_id: str) -> bytes:
        """Return a picture or clip."""
        return await self.do(ask.evidence_content(evidence_id))

    def sites(self) -> AsyncIterator[Site]:
        """Go through sites."""
        return self.every(places.sites())

    async def site(self, name: str) -> Site:
        """Return a site."""
        return await self.do(places.site(name))

    async def change_site(
        self, site: str, tag: str | None = None, **changes: Unpack[places.SiteOf]
    ) -> Site:
        """Set the ``name`` or ``timezone`` of a site, at the version with this ETag."""
        return await self.do(places.change_site(site, tag, **changes))

    def cameras(self, **filters: Unpack[places.CamerasOf]) -> AsyncIterator[Camera]:
        """Go through cameras, by site and name."""
        return self.every(places.cameras(**filters))

    async def camera(self, site: str, name: str) -> Camera:
        """Return a camera."""
        return await self.do(places.camera(site, name))

    async def change_camera(
        self, site: str, camera: str, name: str, tag: str | None = None
    ) -> Camera:
        """Give a camera a name for people, at the version with this ETag."""
        return await self.do(places.change_camera(site, camera, name, tag))

    def health(self, **filters: Unpack[places.HealthOf]) -> AsyncIterator[Health]:
        """Go through what cameras and processes said last of how they are."""
        return self.every(places.health(**filters))

    def camera_groups(self) -> AsyncIterator[CameraGroup]:
        """Go through groups of cameras."""
        return self.every(places.camera_groups())

    async def camera_group(self, group_id: UUID) -> CameraGroupDetails:
        """Return a group with its cameras."""
        return await self.do(places.camera_group(group_id))

    async def make_camera_group(self, name: str, cameras: Sequence[str]) -> CameraGroupDetails:
        """Make a group of cameras, each as ``site/camera``."""
        return await self.do(places.make_camera_group(name, cameras))

    async def change_camera_group(
        self, group_id: UUID, name: str, cameras: Sequence[str], tag: str | None = None
    ) -> CameraGroupDetails:
        """Change a group's name and cameras, at the version with this ETag."""
        return await self.do(places.change_camera_group(group_id, name, cameras, tag))

    async def remove_camera_group(self, group_id: UUID, tag: str | None = None) -> None:
        """Remove a group, at the version with this ETag; None: whatever version it has."""
        await self.do(places.remove_camera_group(group_id, tag))

    def counts(
        self, site: str, since: datetime, **filters: Unpack[figures.BucketsOf]
    ) -> AsyncIterator[Count]:
        """Go through what sensors counted, bucket by bucket."""
        return self.every(figures.counts(site, since, **filters))

    def event_figures(
        self, site: str, since: datetime, **filters: Unpack[figures.BucketsOf]
    ) -> AsyncIterator[EventFigures]:
        """Go through how many events each rule had, bucket by bucket."""
        return self.every(figures.event_figures(site, since, **filters))

    def candidate_figures(
        self, site: str, since: datetime, **filters: Unpack[figures.BucketsOf]
    ) -> AsyncIterator[CandidateFigures]:
        """Go through what the filter made of candidates, bucket by bucket."""
        return self.every(figures.candidate_figures(site, since, **filters))

    def uptime(
        self, site: str, since: datetime, **filters: Unpack[figures.BucketsOf]
    ) -> AsyncIterator[Uptime]:
        """Go through for how long cameras were there, bucket by bucket."""
        return self.every(figures.uptime(site, since, **filters))

    async def heat_map(self, site: str, camera: str, day: date) -> HeatMap:
        """Return where a camera's objects were on a day of the site's time zone."""
        return await self.do(figures.heat_map(site, camera, day))

    async def follow(
        self, *, resume: str | None = None, **selection: Any
    ) -> AsyncIterator[Message]:
        """Yield what happens from now on, or from behind the position ``resume``, for ever.

        ``selection`` are the parameters of GET /api/v1/events/stream. A lost connection is taken
        up again where it was, however long the API is away.

        Raises:
            ApiError: the stream is refused, or did not open at first.
        """
        tries = 0
        while True:
            tries += 1
            answer: httpx.Response | None = None
            failure: Exception = ENDED
            try:
                async with aconnect_sse(
                    self._http,
                    "GET",
                    STREAM,
                    params=selection,
                    headers=headers_of(resume),
                    timeout=STREAM_TIMEOUT,
                ) as source:
                    if source.response.is_error:
                        answer = source.response
                        await answer.aread()
                        failure = error_of(answer)
                    else:
                        async for sent in source.aiter_sse():
                            tries, resume = 0, sent.id or resume
                            message = message_of(sent)
                            if message is not None:
                                yield message
            except httpx.TransportError as error:
                failure = error
            tried = tries if resume is None else min(tries, self._patience.tries - 1)
            pause_s = self._patience.pause_s(tried, True, answer)
            if pause_s is None:
                raise failure
            await asyncio.sleep(pause_s)

    async def watch(self, site: str, camera: str) -> AsyncIterator[bytes]:
        """Yield a camera's pictures (JPEG) as they come, until none comes any more.

        Ask for them first, and again each minute: ``live.show``.

        Raises:
            NotFound: no picture comes.
            httpx.TransportError: the connection is lost.
        """
        call, pictures = live.pictures(site, camera), Pictures()
        async with self._http.stream(call.method, call.path) as answer:
            if answer.is_error:
                await answer.aread()
                raise error_of(answer)
            async for some in answer.aiter_bytes():
                for picture in pictures.feed(some):
                    yield picture

    async def do(self, call: Call[T]) -> T:
        """Send a request, again where that may help, and return what came.

        Raises:
            ApiError: the API refuses it.
            httpx.TransportError: nothing answers.
        """
        tries = 0
        while True:
            tries += 1
            answer: httpx.Response | None = None
            try:
                answer = await self._http.request(
                    call.method,
                    call.path,
                    params=dict(call.params) or None,
                    json=call.json,
                    content=call.content,
                    timeout=call.timeout_s,
                    headers=dict(call.headers),
                )
                if not answer.is_error:
                    return call.read(answer)
                failure: Exception = error_of(answer)
            except httpx.TransportError as error:
                failure = error
            pause_s = self._patience.pause_s(tries, call.repeatable, answer)
            if pause_s is None:
                raise failure
            await asyncio.sleep(pause_s)

    async def every(self, call: Call[PageOf[M]]) -> AsyncIterator[M]:
        """Go through a list, a page at a time."""
        while True:
            page = await self.do(call)
            for item in page.items:
                yield item
            if page.next is None:
                return
            call = next_page(call, page.next)
