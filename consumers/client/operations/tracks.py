"""Finished tracks, also by where they went."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from typing import Literal, TypedDict, Unpack

from consumers.api.shapes.tracks import TrackFound, WholeTrack
from consumers.client.calls import Call, PageOf, get, pages

Point = tuple[float, float]
"""x, y: 0 to 1 from the top left."""


class TracksOf(TypedDict, total=False):
    """Filters of tracks."""

    camera: Sequence[str]
    """One alone with ``within`` or ``across``."""
    class_name: Sequence[str]
    zone: Sequence[str]
    """Zones of the configuration that it visited."""
    within: Sequence[Point]
    """A polygon that it was inside of between the times."""
    across: Sequence[Point]
    """A line that it crossed between the times."""
    direction: Literal["forward", "backward"]
    """Across the line: forward ends on the right, looking along it on the screen."""
    limit: int


def search(
    site: str, since: datetime, until: datetime, **filters: Unpack[TracksOf]
) -> Call[PageOf[TrackFound]]:
    """Go through tracks of up to 31 days, those that began last first."""
    shapes = {
        name: _text(points)
        for name, points in (("within", filters.get("within")), ("across", filters.get("across")))
        if points is not None
    }
    params = {**filters, **shapes}
    return pages(TrackFound, "tracks", site=site, since=since, until=until, **params)


def show(site: str, track_id: str) -> Call[WholeTrack]:
    """Return one track with its path."""
    return get(WholeTrack, "tracks", site, track_id)


def _text(points: Sequence[Point]) -> str:
    # Never with an exponent, which the API does not read.
    return ",".join(f"{number:.6f}" for number in chain.from_iterable(points))
