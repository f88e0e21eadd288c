"""What detect does at once: the records of one reading of ``frames``, and what was said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from infra.runtime.kafka import Message
from schemas.errors import Rejected
from schemas.records import Beat, Detections, Frame, Look, Reading
from streams.inference.histories import Before, Histories
from streams.inference.readings import NOT_DUE, beat_reading, detections_of, frame_reading
from streams.inference.rounds import Said
from streams.inference.sparing import Spared


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of a turn, and what a frame is judged by."""

    message: Message
    record: Frame | Beat
    before: Before


@dataclass
class Turn:
    """What was read in one turn, and where each partition stands after it."""

    found_idle: bool = False
    """The models had nothing to do when it was read."""
    began_s: float = 0.0
    """When its first record was read, on a clock that never goes back."""
    messages: list[Message] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    refused: list[tuple[Message, Rejected]] = field(default_factory=list)
    after: dict[int, Histories] = field(default_factory=dict)
    asked: dict[int, Spared] = field(default_factory=dict)
    """By index of the entry, the frames that models look at."""
    looks: int = 0
    """Of detectors, that were asked for."""
    said: dict[int, Said] = field(default_factory=dict)
    """Of each frame, by index of the entry."""
    readings: list[Reading] = field(default_factory=list)
    """Of each entry, once all is said."""
    written_ms: int = 0
    """When the broker had what was said, by the host's clock."""


def readings_of(turn: Turn) -> list[Reading]:
    """Return what detect says of each entry, in order; each frame has something said of it."""
    return [
        beat_reading(entry.record, entry.message.offset)
        if isinstance(entry.record, Beat)
        else _reading(entry.record, entry.message.offset, turn.said[index])
        for index, entry in enumerate(turn.entries)
    ]


def records_of(turns: Sequence[Turn]) -> list[Detections]:
    """Return the records of turns in a row, those of a partition in order."""
    found: dict[int, list[Reading]] = {}
    sites: dict[int, str] = {}
    for turn in turns:
        for entry, reading in zip(turn.entries, turn.readings, strict=True):
            partition = entry.message.partition
            sites[partition] = entry.record.site
            found.setdefault(partition, []).append(reading)
    return [
        record
        for partition, ordered in sorted(found.items())
        for record in detections_of(sites[partition], partition, ordered)
    ]


def looks_of(reading: Reading) -> tuple[Look, ...]:
    """Return what became of a frame, by model; nothing if no model was due.

    Where no model could be chosen there is one look of a model without a name.
    """
    if reading.looks:
        return reading.looks
    if reading.reason == NOT_DUE.reason:
        return ()
    look = Look(
        model="", model_version="", outcome=reading.outcome, reason=reading.reason, objects=0
    )
    return (look,)


def _reading(frame: Frame, offset: int, said: Said) -> Reading:
    return frame_reading(frame, offset, said.outcomes, said.attributes)
