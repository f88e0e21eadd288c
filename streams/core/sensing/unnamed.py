"""What a thing did before it had a name, for the sensors that look only at things with names.

On a camera with several models one may see a thing at once, and another say a second later what it
is. As with the confirmation of a track, its path so far is then evaluated with its true times.
"""

from __future__ import annotations

import msgspec

from streams.core.sensors.base import Seen
from streams.core.tracking.detections import GENERIC

HORIZON_MS = 3000
"""As long as a track may take to be confirmed."""
MOST = 64
"""Observations of a track."""

Unnamed = dict[str, list[Seen]]
"""By track, the observations of the last ``HORIZON_MS`` in order."""


def earlier(unnamed: Unnamed, seen: Seen) -> list[Seen]:
    """Take in an observation; return those before it that have just got their name with it."""
    if seen.class_name != GENERIC:
        return [
            msgspec.structs.replace(one, class_name=seen.class_name, known_at=seen.known_at)
            for one in unnamed.pop(seen.track, ())
            if one.at > seen.at - HORIZON_MS
        ]
    waiting = unnamed.setdefault(seen.track, [])
    waiting.append(seen)
    while len(waiting) > MOST or waiting[0].at <= seen.at - HORIZON_MS:
        del waiting[0]
    return []
