"""Deterministic ids: the same inputs give the same id, live, after a crash and in replay.

Times in ids are UTC milliseconds, so a replay that starts at a live run's epoch names the same
things the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from uuid import UUID, uuid5

NAMESPACE = UUID("6f1d0b1e-3c57-5d0c-9a58-51d4c2f1a7e4")
"""Namespace of all UUIDv5 ids; fixed for ever."""

SITE_PATTERN = re.compile(r"[a-z0-9-]{1,40}")
NAME_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}")


def track_id(camera: str, epoch_at: int, seq: int, index: int) -> str:
    """Name a track by its first frame and its index among the tracks born in it.

    >>> track_id("gate", 946684800000, 12, 0)
    'gate-946684800000-12-0'
    """
    return f"{camera}-{epoch_at}-{seq}-{index}"


def trigger_id(
    site: str,
    camera: str,
    epoch_at: int | None,
    sensor: str,
    trigger: str,
    track: str | None,
    triggered_at: int,
) -> str:
    """Name a trigger; a trigger without an object has no track."""
    return _named("trigger", site, camera, epoch_at, sensor, trigger, track, triggered_at)


def candidate_id(site: str, rule: str, matched_at: int, triggers: Sequence[str]) -> str:
    """Name a candidate by its rule, its time and the ids of all its triggers in order."""
    return _named("candidate", site, rule, matched_at, *triggers)


def event_id(site: str, rule: str, group_key: str, first_candidate: str) -> str:
    """Name an event by its group and the first candidate accepted into it."""
    return _named("event", site, rule, group_key, first_candidate)


def evidence_id(subject: str, kind: str) -> str:
    """Name the evidence of one ``kind`` (snapshot, clip) for an event or candidate id."""
    return _named("evidence", subject, kind)


def feedback_id(subject: str, number: int, verdict: str) -> str:
    """Name an operator's word on an event or candidate: the ``number``-th on it, from 1."""
    return _named("feedback", subject, number, verdict)


def _named(*parts: object) -> str:
    # The unit separator cannot occur in a name, so no two lists of parts share a text.
    return str(uuid5(NAMESPACE, "\x1f".join("" if part is None else str(part) for part in parts)))
