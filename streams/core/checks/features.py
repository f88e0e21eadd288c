"""What a track's report says beyond its own fields: the JSON of ``details``."""

from __future__ import annotations

from functools import lru_cache

import msgspec


class Features(msgspec.Struct, frozen=True):
    """As ``streams.core.tracking.evidence.report`` writes them; absent ones say nothing."""

    aspect: float | None = None
    """Mean width by mean height."""
    jump: float = 0.0
    """Mean |ln| of the ratio of box heights from one sighting to the next."""
    company: int = 0
    """Tracks that began elsewhere in the picture at about the same time."""
    travelled: float = 0.0
    """Length of the way of the box centre, in mean box heights."""
    way: float | None = None
    """Length of the way of the smoothed box centre, in mean box heights."""
    seen: float = 1.0
    """Part of the analysed frames in which the object was detected."""
    attributes: dict[str, dict[str, float]] = {}
    """What models of the second stage say: {model: {label: mean score}}."""


_DECODER = msgspec.json.Decoder(Features)
_NOTHING = Features()


@lru_cache(maxsize=256)
def features_of(details: str) -> Features:
    """Return what ``details`` tells; a text of another make tells nothing."""
    try:
        return _DECODER.decode(details)
    except msgspec.DecodeError:
        return _NOTHING
