"""Tracks that begin together all over the picture: light that changes, not objects that come."""

from __future__ import annotations

import math
from collections.abc import Sequence

from streams.core.tracking.track import Track

TOGETHER_MS = 500
"""Tracks that begin within this time of each other begin together."""
APART = 2.0
"""Mean box heights; what begins nearer is one thing, or comes in company."""
SETTLING_MS = 1500
"""After a pause everything that is there begins at once, which says nothing."""


def note_births(tracks: Sequence[Track], at: int, aspect: float, resumed_at: int) -> None:
    """Count the tracks that begin at ``at`` in the evidence of those that began with them.

    In place; ``at`` and ``resumed_at`` (since when there have been frames without a pause) are
    UTC ms, ``aspect`` is the picture's width by its height.
    """
    if at - resumed_at < SETTLING_MS:
        return
    born = [track for track in tracks if track.evidence.started_at == at]
    if not born:
        return
    since = max(at - TOGETHER_MS, resumed_at + SETTLING_MS)
    earlier = [track for track in tracks if since <= track.evidence.started_at < at]
    for index, new in enumerate(born):
        for other in (*earlier, *born[index + 1 :]):
            if _are_apart(new, other):
                new.evidence.company += 1
                other.evidence.company += 1


def _are_apart(one: Track, other: Track) -> bool:
    a, b = one.evidence, other.evidence
    height = (a.height + b.height) / 2
    return math.hypot(a.x - b.x, a.y - b.y) > APART * height
