"""A camera's background: grey thumbnails of fixed earlier times, chosen by event time alone.

Each epoch is cut into slots, short at first and then of equal length; the first frame of a slot
gives its thumbnail. So the choice depends on the frames and on nothing else, whatever the batches,
and can be made again after a restart from the same frames.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from schemas.records import Frame
from triton_models.kit.picture import BadPicture, Grey, decode_grey
from triton_models.kit.thumbnails import WIDTH, pack

COUNT = 9
"""Thumbnails of a background: their median forgets what stood in fewer than five of them."""

_FIRST_SLOTS_MS = (0, 400, 800, 1200, 1800, 2600, 3800, 5600, 8200, 12_000)
"""Where the first slots begin: a background after 0.8 s that gets better quickly."""
_SLOT_MS = 6000
"""Length of all later slots: someone who stands still is seen for 24 s."""
_OLDEST_MS = 300_000
"""Thumbnails before this are forgotten: a scene left alone so long may be another."""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """The first frame of a slot, small and grey, and where it stands in the frames topic."""

    slot: int
    captured_at: int
    offset: int
    picture: Grey


@dataclass(frozen=True, slots=True)
class History:
    """What is kept of one camera's epoch."""

    epoch_at: int = -1
    thumbnails: tuple[Thumbnail, ...] = ()
    """Oldest first, at most ``COUNT`` and the one of the slot that is open."""
    block: bytes = b""
    """What the frames of the open slot are judged by: the thumbnails before it, packed."""

    @property
    def offsets(self) -> tuple[int, ...]:
        """Where the frames stand from which this history can be made again."""
        return tuple(thumbnail.offset for thumbnail in self.thumbnails)


def slot_of(elapsed_ms: int) -> int:
    """Return the slot of a time since the epoch's first frame.

    >>> [slot_of(ms) for ms in (0, 399, 400, 12_000, 17_999, 18_000)]
    [0, 0, 1, 9, 9, 10]
    """
    last = len(_FIRST_SLOTS_MS) - 1
    if elapsed_ms >= _FIRST_SLOTS_MS[last]:
        return last + (elapsed_ms - _FIRST_SLOTS_MS[last]) // _SLOT_MS
    return bisect_right(_FIRST_SLOTS_MS, elapsed_ms) - 1


def step(history: History, frame: Frame, offset: int = -1) -> tuple[History, bytes]:
    """Return the history with this frame, and the block of thumbnails to judge the frame by.

    All frames of a slot get the same block, made of the slots before it, whether they are analysed
    or not. A frame that cannot be decoded changes nothing. Feeding the frames at ``offsets`` to an
    empty history gives the same history again.

    Args:
        history: of the frame's camera.
        frame: the camera's next frame.
        offset: its place in the frames topic.
    """
    if frame.epoch_at != history.epoch_at:
        history = History(epoch_at=frame.epoch_at)
    slot = slot_of(frame.captured_at - frame.epoch_at)
    if history.thumbnails and slot <= history.thumbnails[-1].slot:
        return history, history.block
    try:
        picture = decode_grey(frame.jpeg, WIDTH)
    except BadPicture:
        return history, history.block
    earlier = tuple(
        one for one in history.thumbnails if frame.captured_at - one.captured_at <= _OLDEST_MS
    )[-COUNT:]
    block = pack([one.picture for one in earlier])
    newest = Thumbnail(slot, frame.captured_at, offset, picture)
    return History(frame.epoch_at, (*earlier, newest), block), block
