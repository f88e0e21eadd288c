"""When a tentative track is an object, and when it was nothing.

Its sightings count for less where they do not fit what the scene has taught, or lie within another
object; so what a detector imagines has to be imagined more often, and who is there comes through.
"""

from __future__ import annotations

from collections.abc import Sequence

from streams.core.geometry import overlap
from streams.core.tracking.detections import Detection
from streams.core.tracking.scene import Scene, worth
from streams.core.tracking.track import Track
from streams.core.tracking.tuning import Tuning


def worth_of(
    detection: Detection, taken: Sequence[Detection], scene: Scene, tuning: Tuning
) -> float:
    """Return how far a sighting counts, above 0, at most 1; ``taken`` continue tracks."""
    value = worth(scene, detection.label, detection.box, detection.score, tuning.doubts)
    left, _, right, _ = box = detection.box
    for other in taken:
        its = other.box
        if right <= its[0] or its[2] <= left or other is detection:
            continue
        if overlap(box, its) > tuning.inside:
            return value * tuning.inside_worth
    return value


def is_consistent(track: Track, tuning: Tuning) -> bool:
    """Tell whether a tentative track has been seen often enough for long enough."""
    count = len(track.waiting)
    span_ms = track.seen_at - track.evidence.started_at
    if count < 2 or span_ms < tuning.confirm_ms:
        return False
    most = tuning.confirm_part * track.frames
    if track.worth >= most or (count >= most and span_ms >= tuning.plain_ms):
        return True
    return span_ms >= tuning.doubtful_ms and track.worth >= tuning.doubtful_part * track.frames


def is_hopeless(track: Track, now: int, tuning: Tuning) -> bool:
    """Tell whether a missed track is tentative and has been missed or doubtful for too long."""
    return not track.confirmed and (
        now - track.alive_at >= tuning.tentative_lost_ms
        or now - track.evidence.started_at >= tuning.tentative_ms
    )
