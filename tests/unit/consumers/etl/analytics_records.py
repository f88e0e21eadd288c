"""Records for the tests of the analytics."""

from __future__ import annotations

from typing import Any

from schemas.records import Count, Health, PathPoint, Track

AT = 1_767_225_600_000
"""2026-01-01T00:00:00Z"""


def count(minute_at: int = AT, **changes: Any) -> Count:
    fields: dict[str, Any] = {
        "site": "depot-7",
        "camera": "gate",
        "sensor": "line",
        "minute_at": minute_at,
        "forward": 1,
        "backward": 0,
        "entries": 0,
        "exits": 0,
        "occupancy_max": 0,
        "dwell_total_s": 0.0,
        "dwell_max_s": 0.0,
        "revision": 1,
        "config_version": 1,
        **changes,
    }
    name = f"{fields['site']}/{fields['camera']}/{fields['sensor']}/{minute_at}"
    return Count(count_id=name, **fields)


def health(said_at: int, state: str = "online", **changes: Any) -> Health:
    fields: dict[str, Any] = {
        "site": "depot-7",
        "kind": "camera",
        "name": "gate",
        "state": state,
        "at": said_at,
        "frames": 0,
        "dropped": 0,
        "details": "{}",
        "revision": said_at,
        **changes,
    }
    return Health(health_id=f"{fields['site']}/{fields['name']}", **fields)


def track(
    track_id: str, started_at: int, *points: tuple[float, float, float], **changes: Any
) -> Track:
    """A track through points (seconds since its start, x, y)."""
    path = tuple(
        PathPoint(at=started_at + round(seconds * 1000), x=float(x), y=float(y))
        for seconds, x, y in points
    )
    fields: dict[str, Any] = {
        "track_id": track_id,
        "site": "depot-7",
        "camera": "gate",
        "epoch_at": started_at,
        "class_name": "person",
        "score_mean": 0.7,
        "score_max": 0.9,
        "observations": len(points),
        "started_at": started_at,
        "ended_at": path[-1].at if path else started_at,
        "path": path,
        "zones": (),
        "colours": (),
        "config_version": 1,
        "model": "yolox",
        "model_version": "1",
    }
    return Track(**{**fields, **changes})
