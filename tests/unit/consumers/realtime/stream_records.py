"""Records for tests of streams."""

from __future__ import annotations

from typing import Any

from consumers.realtime.kinds import Kind
from consumers.realtime.positions import Positions
from schemas.records import Event, Health, Verdict

AT = 1_790_000_000_123
NOWHERE: Positions = {Kind.EVENT: (0, 0), Kind.VERDICT: (0, 0), Kind.HEALTH: (0, 0)}


def event(**fields: Any) -> Event:
    given: dict[str, Any] = {
        "event_id": "e1",
        "site": "depot-7",
        "rule": "gate-crossed",
        "camera": "gate",
        "sensor": "line",
        "state": "opened",
        "revision": 1,
        "severity": "alert",
        "mode": "live",
        "group_key": "t1",
        "at": AT,
        "opened_at": AT,
        "triggers": 1,
        "tracks": '["t1"]',
        "class_name": "person",
        "score": 0.9,
        "verdict": "accepted",
        "config_version": 3,
        "model": "yolox",
        "model_version": "1",
        "provenance": "[]",
    }
    return Event(**{**given, **fields})


def verdict(**fields: Any) -> Verdict:
    given: dict[str, Any] = {
        "candidate_id": "c1",
        "site": "depot-7",
        "camera": "gate",
        "rule": "gate-crossed",
        "sensor": "line",
        "matched_at": AT,
        "decided_at": AT,
        "verdict": "suppressed",
        "score": 0.4,
        "reasons": "[]",
        "revision": 1,
        "config_version": 3,
        "provenance": "{}",
    }
    return Verdict(**{**given, **fields})


def health(**fields: Any) -> Health:
    given: dict[str, Any] = {
        "health_id": "depot-7/gate",
        "site": "depot-7",
        "kind": "camera",
        "name": "gate",
        "state": "online",
        "at": AT,
        "frames": 1,
        "dropped": 0,
        "details": '{"fps": 10}',
        "revision": 1,
    }
    return Health(**{**given, **fields})
