"""What an opened event asks for: a snapshot of its best frame, a clip around its time.

A suppressed candidate asks for its snapshot, so that a person can judge it after all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from schemas.errors import Rejected
from schemas.records import Event, FrameReference, Verdict
from schemas.site import Rule, milliseconds

Kind = Literal["snapshot", "clip"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One piece of evidence to make, once the camera's clock has passed ``to_at``."""

    kind: Kind
    site: str
    camera: str
    event_id: str | None = None
    candidate_id: str | None = None
    """One of the two: what it is evidence of."""
    from_at: int
    """UTC ms."""
    to_at: int
    """UTC ms, inclusive; of a snapshot the frame's time, which equals ``from_at``."""
    label: str
    """What is written beside the box."""
    frame: FrameReference | None = None
    """The frame of a snapshot; None: the camera's last one at or before ``to_at``."""

    @property
    def subject(self) -> str:
        """The id of what it is evidence of."""
        return self.event_id or self.candidate_id or ""


class _Frame(msgspec.Struct):
    partition: int
    offset: int
    captured_at: int
    box: tuple[float, float, float, float]
    score: float


class _Candidate(msgspec.Struct):
    """What is read of ``streams.core.grouping.provenance.decision_json``."""

    frame: _Frame | None


def plan_requests(event: Event, rule: Rule) -> tuple[Request, ...]:
    """Return what ``rule`` wants to be kept with ``event``: nothing unless it has just opened.

    Raises:
        Rejected: the event's provenance cannot be read.
    """
    if event.state != "opened":
        return ()
    wanted = rule.evidence
    common: dict[str, Any] = {
        "site": event.site,
        "camera": event.camera,
        "event_id": event.event_id,
        "label": _label(event),
    }
    requests: list[Request] = []
    if wanted.snapshot:
        frame = best_frame(event)
        at = event.opened_at if frame is None else frame.captured_at
        requests.append(Request(kind="snapshot", from_at=at, to_at=at, frame=frame, **common))
    if wanted.clip is not None:
        from_at = event.opened_at - milliseconds(wanted.clip.before_s)
        to_at = event.opened_at + milliseconds(wanted.clip.after_s)
        requests.append(Request(kind="clip", from_at=from_at, to_at=to_at, **common))
    return tuple(requests)


def plan_suppressed(verdict: Verdict, rule: Rule) -> tuple[Request, ...]:
    """Return what is kept of a candidate that the filter has suppressed: a snapshot, if any.

    Raises:
        Rejected: the verdict's provenance cannot be read.
    """
    first = verdict.verdict == "suppressed" and verdict.revision == 1
    if not first or not rule.evidence.snapshot:
        return ()
    try:
        told = msgspec.json.decode(verdict.provenance, type=_Candidate)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise Rejected(
            f"the provenance of candidate {verdict.candidate_id} cannot be read: {error}",
            reason="bad-provenance",
        ) from error
    if told.frame is None:
        return ()
    frame = _reference(told.frame)
    seen = f" {verdict.class_name} {verdict.score:.2f}" if verdict.class_name else ""
    request = Request(
        kind="snapshot",
        site=verdict.site,
        camera=verdict.camera,
        candidate_id=verdict.candidate_id,
        from_at=frame.captured_at,
        to_at=frame.captured_at,
        label=f"{verdict.rule}{seen} suppressed",
        frame=frame,
    )
    return (request,)


def best_frame(event: Event) -> FrameReference | None:
    """Return the frame with the highest score in an event's provenance, the earliest of equals.

    Raises:
        Rejected: the provenance cannot be read.
    """
    try:
        candidates = msgspec.json.decode(event.provenance, type=list[_Candidate])
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise Rejected(
            f"the provenance of event {event.event_id} cannot be read: {error}",
            reason="bad-provenance",
        ) from error
    frames = [_reference(c.frame) for c in candidates if c.frame is not None]
    return min(frames, key=_order) if frames else None


def _reference(frame: _Frame) -> FrameReference:
    return FrameReference(
        partition=frame.partition,
        offset=frame.offset,
        captured_at=frame.captured_at,
        box=frame.box,
        score=frame.score,
    )


def _order(frame: FrameReference) -> tuple[float, int, int, int]:
    score = frame.score if math.isfinite(frame.score) else 0.0
    return (-score, frame.captured_at, frame.partition, frame.offset)


def _label(event: Event) -> str:
    seen = f" {event.class_name} {event.score:.2f}" if event.class_name else ""
    return f"{event.rule}{seen}"
