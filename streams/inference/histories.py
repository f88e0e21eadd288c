"""What is remembered of the cameras of one partition, and how it survives a restart.

That is each camera's background, and the time of its latest frame, by which its models' rates are
kept. With each commit goes a note of which frames all this came from; whoever reads the partition
next fetches just those frames and remembers the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from schemas.codec import decode_as
from schemas.errors import Rejected
from schemas.records import Beat, Frame
from streams.inference import thumbnails
from streams.inference.thumbnails import History

MAX_CAMERAS = 256
"""Cameras remembered in a partition; beyond, the one silent for most records is forgotten."""
NOTE_BYTES = 4096
"""What a broker keeps with a commit (``offset.metadata.max.bytes``)."""

_FORMAT = "1:"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of one camera."""

    history: History = field(default_factory=History)
    epoch_at: int = -1
    latest_at: int = -1
    """When the latest frame of the epoch was captured, UTC ms."""
    latest_offset: int = -1

    @property
    def offsets(self) -> tuple[int, ...]:
        """Where the frames stand that this came from."""
        return tuple(dict.fromkeys((*self.history.offsets, self.latest_offset)))


@dataclass(frozen=True, slots=True)
class Before:
    """What a frame is judged by."""

    background: bytes = b""
    """The block of thumbnails."""
    previous_at: int | None = None
    """UTC ms of the camera's latest frame before it; None for the first of its epoch."""


@dataclass(frozen=True, slots=True)
class Histories:
    """Each camera's memory, the one that spoke last at the end."""

    cameras: Mapping[str, Memory] = field(default_factory=dict)

    @property
    def offsets(self) -> list[int]:
        """Where all the frames stand, those of the camera that spoke last at the end."""
        return [offset for memory in self.cameras.values() for offset in memory.offsets]


def step(histories: Histories, record: Frame | Beat, offset: int) -> tuple[Histories, Before]:
    """Return the histories with this record, and what to judge a frame by.

    A camera that is offline comes back with a new epoch, so what was remembered is forgotten.
    """
    cameras = dict(histories.cameras)
    if isinstance(record, Beat):
        if record.state != "offline" or record.camera not in cameras:
            return histories, Before()
        del cameras[record.camera]
        return Histories(cameras), Before()
    cameras[record.camera], before = remember(cameras.pop(record.camera, Memory()), record, offset)
    while len(cameras) > MAX_CAMERAS:
        del cameras[next(iter(cameras))]
    return Histories(cameras), before


def remember(memory: Memory, frame: Frame, offset: int) -> tuple[Memory, Before]:
    """Return a camera's memory with its next frame, and what to judge that frame by."""
    history, background = thumbnails.step(memory.history, frame, offset)
    if frame.epoch_at != memory.epoch_at:
        return Memory(history, frame.epoch_at, frame.captured_at, offset), Before(background)
    before = Before(background, memory.latest_at)
    if frame.captured_at <= memory.latest_at:
        return replace(memory, history=history), before
    return replace(
        memory, history=history, latest_at=frame.captured_at, latest_offset=offset
    ), before


def restored(values: Iterable[tuple[int, bytes | None]]) -> Histories:
    """Return the histories that these frames give, each with its offset, in order of offset."""
    histories = Histories()
    for offset, value in values:
        try:
            frame = decode_as(Frame, value)
        except Rejected:
            # It was readable when it was noted; without it the background has one picture less.
            continue
        histories, _ = step(histories, frame, offset)
    return histories


def note_of(histories: Histories) -> str:
    """Return the offsets of the frames remembered as a short text for the commit.

    As many as fit: of too many cameras, those that were silent longest start afresh.

    >>> offsets_in("1:5,1,4")
    [5, 6, 10]
    """
    offsets = histories.offsets
    while True:
        ordered = sorted(offsets)
        steps = [b - a for a, b in zip([0, *ordered], ordered, strict=False)]
        note = _FORMAT + ",".join(map(_in_base_36, steps))
        if len(note) <= NOTE_BYTES:
            return note
        offsets = offsets[len(offsets) // 8 :]


def offsets_in(note: str) -> list[int]:
    """Return the offsets that a note holds; none if another version wrote it."""
    if not note.startswith(_FORMAT) or note == _FORMAT:
        return []
    offsets, last = [], 0
    for part in note.removeprefix(_FORMAT).split(","):
        last += int(part, 36)
        offsets.append(last)
    return offsets


def _in_base_36(number: int) -> str:
    digits = ""
    while True:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
        if number == 0:
            return digits
