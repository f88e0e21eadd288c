"""Pictures for events: the snapshot that was kept, else the frame itself while it is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import httpx

from consumers.store.events import get_event
from infra.cli.backtest_compare import Compared, Raised
from infra.cli.links import EvidenceLinks
from infra.runtime.kafka import read_at
from infra.runtime.reading import read_on
from infra.runtime.settings import Settings
from schemas.codec import decode, decode_as
from schemas.errors import Rejected, SightlineError
from schemas.records import Evidence, Frame
from schemas.topics import PARTITIONS
from streams.evidence.snapshot import draw_snapshot

_STORE_TIMEOUT_S = 10.0


def pictures_of(settings: Settings, found: Iterable[Compared]) -> dict[str, bytes]:
    """Return a JPEG by event id, for as many events as there still is one of.

    Raises:
        Retryable: the site's Kafka does not answer.
    """
    events = {item.event.event_id: item for item in found}
    bootstrap = settings.need("edge_kafka")
    raised = [item.before.event_id for item in events.values() if item.before is not None]
    kept = _snapshots(bootstrap, frozenset(raised))
    pictures: dict[str, bytes] = {}
    for name, item in events.items():
        known = None if item.before is None else kept.get(item.before.event_id)
        picture = known or _frame(bootstrap, item.event)
        if picture is None and item.before is not None:
            picture = _stored(settings, item.before.event_id)
        if picture is not None:
            pictures[name] = picture
    return pictures


def best_frame(raised: Raised) -> Mapping[str, Any] | None:
    """Return the frame with the highest score in an event's provenance, the earliest of equals."""
    frames = [candidate["frame"] for candidate in raised.candidates if candidate.get("frame")]
    return max(frames, key=lambda frame: (frame["score"], -frame["captured_at"]), default=None)


def _snapshots(bootstrap: str, events: frozenset[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for partition in range(PARTITIONS) if events else ():
        for message in read_on(bootstrap, "up.evidence", partition, 0):
            try:
                record = decode(message.value)
            except Rejected:
                continue
            if (
                isinstance(record, Evidence)
                and record.event_id in events
                and (record.kind, record.status, record.chunks) == ("snapshot", "ok", 1)
            ):
                found[record.event_id] = record.data
    return found


def _frame(bootstrap: str, raised: Raised) -> bytes | None:
    place = best_frame(raised)
    if place is None:
        return None
    for message in read_at(bootstrap, "frames", place["partition"], [place["offset"]]):
        try:
            frame = decode_as(Frame, message.value)
            # Offsets start anew with a new topic: only the very frame will do.
            if (frame.camera, frame.captured_at) == (raised.camera, place["captured_at"]):
                label = f"{raised.rule} {raised.class_name or ''} {place['score']:.2f}"
                return draw_snapshot(frame.jpeg, place["box"], label)
        except Rejected:
            continue
    return None


def _stored(settings: Settings, event_id: str) -> bytes | None:
    if not settings.postgres_dsn or not settings.s3_url:
        return None
    try:
        details = get_event(settings.postgres_dsn, event_id)
        for row in () if details is None else details.evidence:
            if row.kind == "snapshot" and row.bucket and row.object_key:
                address = EvidenceLinks(settings).link(row.bucket, row.object_key)
                answer = httpx.get(address, timeout=_STORE_TIMEOUT_S)
                return answer.raise_for_status().content
    except (SightlineError, httpx.HTTPError):
        # Away with the cloud: the page says that there is no picture.
        return None
    return None
