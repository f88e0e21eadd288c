"""From frames, beats and outcomes to the records of the detections topic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from schemas.records import Beat, Detections, Frame, Look, Reading
from streams.inference.answer import Answer, Outcome, Refusal

OVERLOAD = Refusal("dropped", "overload")
NOT_DUE = Refusal("dropped", "not-due")
"""Of a frame at which none of its camera's models had to look: nothing is wrong with it."""

MAX_READINGS = 200
MAX_OBJECTS = 8000
"""Together they keep a record well below the topic's 1 MiB."""
_OBJECT_BYTES = 50
"""Of an object without attributes; so many characters of attributes count as one more."""


def frame_reading(
    frame: Frame, offset: int, outcomes: Sequence[Outcome], attributes: Sequence[str] = ()
) -> Reading:
    """Return the one reading of a frame, whatever its models said of it.

    What one model found counts, though another was dropped or failed; only a frame without any
    answer is itself dropped or failed, by the worst and first of the reasons.

    Args:
        frame: the frame.
        offset: its place in the frames topic.
        outcomes: one for each model asked, in the configuration's order, those of the second stage
            last; none: none was due.
        attributes: what the second stage says of each object, JSON; or none of any.
    """
    looks = tuple(_look(outcome) for outcome in outcomes)
    answers = [outcome for outcome in outcomes if isinstance(outcome, Answer)]
    told = _telling(looks)
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
        outcome=told.outcome,
        reason=told.reason,
        width=frame.width,
        height=frame.height,
        source_width=frame.source_width,
        source_height=frame.source_height,
        model=told.model,
        model_version=told.model_version,
        boxes=tuple(edge for answer in answers for edge in answer.boxes),
        scores=tuple(score for answer in answers for score in answer.scores),
        labels=tuple(label for answer in answers for label in answer.labels),
        attributes=tuple(attributes),
        looks=tuple(look for look in looks if look.model),
        motion=frame.motion,
        view=frame.view,
    )


def _look(outcome: Outcome) -> Look:
    if isinstance(outcome, Answer):
        return Look(
            model=outcome.model,
            model_version=outcome.model_version,
            outcome="ok",
            objects=len(outcome.scores),
        )
    return Look(
        model=outcome.model,
        model_version="",
        outcome=outcome.outcome,
        reason=outcome.reason,
        objects=0,
    )


def _telling(looks: Sequence[Look]) -> Look:
    """Return the look that stands for the frame: the first that answered, else that failed."""
    by_outcome = {look.outcome: look for look in reversed(looks)}
    for outcome in ("ok", "failed", "dropped"):
        if outcome in by_outcome:
            return by_outcome[outcome]
    return _look(NOT_DUE)


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
        size = len(reading.scores) + sum(map(len, reading.attributes)) // _OBJECT_BYTES
        objects += size
        if part and (len(part) >= MAX_READINGS or objects > MAX_OBJECTS):
            yield part
            part, objects = [], size
        part.append(reading)
    if part:
        yield part
