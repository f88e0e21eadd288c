"""What a camera has written before this process: its time and health must go on above it."""

from __future__ import annotations

import json

import structlog

from producers.tails import last_value
from producers.writer import FRAMES_TOPIC, HEALTH_TOPIC
from schemas.codec import decode
from schemas.errors import Rejected
from schemas.records import Beat, Frame, Health, Record


def written_before(bootstrap: str, site: str, name: str) -> tuple[int | None, int]:
    """Return the latest time written for a camera, UTC ms, and the revision of its health.

    Where its frames have expired, its health still knows the time.

    Raises:
        Retryable: Kafka does not answer.
    """
    last = _decoded(last_value(bootstrap, FRAMES_TOPIC, name))
    health = _decoded(last_value(bootstrap, HEALTH_TOPIC, f"{site}/{name}"))
    times = [_time_of(record) for record in (last, health)]
    known = [at for at in times if at is not None]
    return max(known, default=None), health.revision if isinstance(health, Health) else 0


def _time_of(record: Record | None) -> int | None:
    match record:
        case Frame():
            return record.captured_at
        case Beat():
            return record.beat_at
        case Health():
            at = json.loads(record.details).get("written_at")
            return at if isinstance(at, int) else None
    return None


def _decoded(value: bytes | None) -> Record | None:
    try:
        return None if value is None else decode(value)
    except Rejected as error:
        structlog.get_logger("cameras").error("an old record is unreadable", reason=error.reason)
        return None
