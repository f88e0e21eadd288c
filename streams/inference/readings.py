"""From frames, beats and outcomes to the records of the detections topic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from schemas.records import Beat, Detections, Frame, Reading
from streams.inference.answer import Answer, Outcome, Refusal

OVERLOAD = Refusal("dropped", "overload")

MAX_READINGS = 200
MAX_OBJECTS = 8000
"""Together they keep a record well below the topic's 1 MiB."""


def frame_reading(frame: Frame, offset: int, outcome: Outcome) -> Reading:
    """Return the reading of a frame that was answered, dropped or failed."""
    refusal = outcome if isinstance(outcome, Refusal) else None
    answer = outcome if isinstance(outcome, Answer) else Answer((), (), (), outcome.model, "")
    return Reading(
        kind="frame",
        camera=frame.camera,
        offset=offset,
        epoch_at=frame.epoch_at,
        seq=frame.seq,
        at=frame.captured_at,
        config_version=frame.config_version,
        state="online",
        still=frame.still,
        outcome=refusal.outcome if refusal else "ok",
        reason=refusal.reason if refusal else None,
        width=frame.width,
        height=frame.height,
        source_width=frame.source_width,
        source_height=frame.source_height,
        model=outcome.model,
        model_version=answer.model_version,
        boxes=answer.boxes,
        scores=answer.scores,
        labels=answer.labels,
    )


def beat_reading(beat: Beat, offset: int) -> Reading:
    """Return the copy of a beat; sizes are 0, for it has no picture."""
    return Reading(
        kind="beat",
        camera=beat.camera,
        offset=offset,
        epoch_at=beat.epoch_at,
        seq=-1,
        at=beat.beat_at,
        config_version=beat.config_version,
        state=beat.state,
        still=beat.still,
        outcome="ok",
        width=0,
        height=0,
        source_width=0,
        source_height=0,
        model="",
        model_version="",
        boxes=(),
        scores=(),
        labels=(),
    )


def detections_of(site: str, partition: int, readings: Sequence[Reading]) -> Iterator[Detections]:
    """Put the readings of a partition, in order, into one record; into several if it got too big."""
    for part in _parts(readings):
        yield Detections(site=site, partition=partition, readings=tuple(part))


def _parts(readings: Iterable[Reading]) -> Iterator[list[Reading]]:
    part: list[Reading] = []
    objects = 0
    for reading in readings:
        objects += len(reading.scores)
        if part and (len(part) >= MAX_READINGS or objects > MAX_OBJECTS):
            yield part
            part, objects = [], len(reading.scores)
        part.append(reading)
    if part:
        yield part
