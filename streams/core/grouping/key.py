"""Which candidates of a rule belong together."""

from __future__ import annotations

from typing import Literal

GroupBy = Literal["camera", "sensor", "track", "site"]


def group_key(by: GroupBy, site: str, camera: str, sensor: str, track: str | None) -> str:
    """Return the key of the group; what has no track belongs to its camera.

    >>> group_key("track", "depot", "gate", "lawn", None)
    'gate'
    """
    match by:
        case "site":
            return site
        case "sensor":
            return sensor
        case "track" if track is not None:
            return track
        case _:
            return camera
