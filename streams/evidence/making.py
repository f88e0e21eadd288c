"""From a request to its records, whatever becomes of the frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from schemas.errors import Rejected
from schemas.records import Evidence, Frame, FrameReference
from streams.evidence.chunks import found, missing
from streams.evidence.clip import CONTENT_TYPE, encode_clip
from streams.evidence.frames import EXPIRED
from streams.evidence.index import Entry, FrameIndex
from streams.evidence.requests import Request
from streams.evidence.snapshot import draw_snapshot


class Frames(Protocol):
    """Where frames are read back from."""

    def read_one(self, partition: int, offset: int) -> Frame:
        """Return the frame at an offset; ``Rejected`` with reason ``expired`` if it is gone."""

    def read_many(self, entries: Sequence[Entry]) -> Iterator[Frame]:
        """Yield the frames that are still there."""


def make_evidence(request: Request, index: FrameIndex, frames: Frames) -> tuple[Evidence, ...]:
    """Return the records of a request: the object in chunks, or the word why there is none.

    Raises:
        Retryable: Kafka does not answer; the same request may succeed later.
    """
    make = _snapshot if request.kind == "snapshot" else _clip
    try:
        return make(request, index, frames)
    except Rejected as error:
        return (missing(request, "expired" if error.reason == EXPIRED else "failed", str(error)),)


def _snapshot(request: Request, index: FrameIndex, frames: Frames) -> tuple[Evidence, ...]:
    reference = request.frame or _nearest(request, index)
    frame = frames.read_one(reference.partition, reference.offset)
    if (frame.camera, frame.captured_at) != (request.camera, reference.captured_at):
        place = f"{reference.partition}/{reference.offset}"
        raise Rejected(f"another frame stands at {place} now", reason=EXPIRED)
    picture = draw_snapshot(frame.jpeg, reference.box or None, request.label)
    return found(request, "image/jpeg", picture, frame.captured_at, frame.captured_at)


def _nearest(request: Request, index: FrameIndex) -> FrameReference:
    entry = index.at_or_before(request.camera, request.to_at)
    if entry is None:
        raise _nothing(request, index)
    at, partition, offset = entry
    return FrameReference(partition=partition, offset=offset, captured_at=at, box=(), score=0.0)


def _clip(request: Request, index: FrameIndex, frames: Frames) -> tuple[Evidence, ...]:
    entries = index.between(request.camera, request.from_at, request.to_at)
    shown_at: list[int] = []

    def pictures() -> Iterator[tuple[int, bytes]]:
        for frame in frames.read_many(entries):
            if frame.camera == request.camera:
                shown_at.append(frame.captured_at)
                yield frame.captured_at, frame.jpeg

    if not entries:
        raise _nothing(request, index)
    try:
        data = encode_clip(pictures(), request.to_at)
    except Rejected as error:
        if shown_at:
            raise
        raise Rejected(
            f"all {len(entries)} frames of the clip have expired in Kafka", reason=EXPIRED
        ) from error
    return found(request, CONTENT_TYPE, data, shown_at[0], request.to_at)


def _nothing(request: Request, index: FrameIndex) -> Rejected:
    oldest = index.oldest(request.camera)
    if oldest is None or oldest > request.to_at:
        return Rejected(
            f"the frames of {request.camera} up to {request.to_at} have expired in Kafka, "
            "or never came",
            reason=EXPIRED,
        )
    return Rejected(
        f"{request.camera} gave no frame from {request.from_at} to {request.to_at}",
        reason="no-frames",
    )
