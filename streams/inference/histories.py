"""The backgrounds of all cameras of one partition, and how they survive a restart.

With each commit goes a note of which frames the thumbnails were made of; whoever reads the
partition next fetches just those frames and has the same backgrounds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

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
class Histories:
    """Each camera's history, the one that spoke last at the end."""

    cameras: Mapping[str, History] = field(default_factory=dict)

    @property
    def offsets(self) -> list[int]:
        """Where the frames stand that all thumbnails were made of, those of the newest last."""
        return [offset for history in self.cameras.values() for offset in history.offsets]


def step(histories: Histories, record: Frame | Beat, offset: int) -> tuple[Histories, bytes]:
    """Return the histories with this record, and the block of thumbnails to judge a frame by.

    A camera that is offline comes back with a new epoch, so its thumbnails are forgotten.
    """
    cameras = dict(histories.cameras)
    if isinstance(record, Beat):
        if record.state != "offline" or record.camera not in cameras:
            return histories, b""
        del cameras[record.camera]
        return Histories(cameras), b""
    history, block = thumbnails.step(cameras.pop(record.camera, History()), record, offset)
    cameras[record.camera] = history
    while len(cameras) > MAX_CAMERAS:
        del cameras[next(iter(cameras))]
    return Histories(cameras), block


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
    """Return the offsets of the thumbnails' frames as a short text for the commit.

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
