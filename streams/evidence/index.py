"""From a camera's capture time to the place of the frame in the topic.

Kafka can look up only arrival times there (LogAppendTime), so this index is kept in memory and
rebuilt from the topic at each start.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

HORIZON_MS = 30 * 60_000
"""Times further back than this are forgotten: thrice the topic's usual retention."""
MAX_ENTRIES = 100_000
"""Frames of one camera that are remembered: over 30 minutes at 50 frames a second."""
TRIMMED_AT_ONCE = 256
"""As many more may be held for a while."""


class Entry(NamedTuple):
    """One frame's time and place."""

    captured_at: int
    partition: int
    offset: int


@dataclass(slots=True)
class _Camera:
    clock_at: int
    """Latest time seen, of a frame or a beat, UTC ms."""
    entries: list[Entry] = field(default_factory=list)
    """Ascending."""


class FrameIndex:
    """Times and places of the frames of all cameras, bounded by age and number."""

    def __init__(self, horizon_ms: int = HORIZON_MS, max_entries: int = MAX_ENTRIES) -> None:
        self._horizon_ms = horizon_ms
        self._max_entries = max_entries
        self._cameras: dict[str, _Camera] = {}

    def add_frame(self, camera: str, entry: Entry) -> None:
        """Note a frame; one that is known already changes nothing."""
        state = self._advance(camera, entry.captured_at)
        if not state.entries or entry > state.entries[-1]:
            state.entries.append(entry)
        else:
            at = bisect_left(state.entries, entry)
            if state.entries[at] != entry:
                insort(state.entries, entry)
        self._trim(state)

    def add_beat(self, camera: str, beat_at: int) -> None:
        """Note that no frame at or before ``beat_at`` follows."""
        self._trim(self._advance(camera, beat_at))

    def expire(self, low_offsets: Mapping[int, int]) -> None:
        """Forget the frames below the lowest offset that each partition still holds."""
        for state in self._cameras.values():
            if state.entries and any(
                state.entries[0].partition == partition and state.entries[0].offset < low
                for partition, low in low_offsets.items()
            ):
                state.entries[:] = [
                    entry
                    for entry in state.entries
                    if entry.offset >= low_offsets.get(entry.partition, 0)
                ]

    def clock(self, camera: str) -> int | None:
        """Return the latest time seen of a camera, UTC ms; None if it was never seen."""
        state = self._cameras.get(camera)
        return None if state is None else state.clock_at

    def between(self, camera: str, from_at: int, to_at: int) -> tuple[Entry, ...]:
        """Return the frames with ``from_at <= captured_at <= to_at``, in order of time."""
        state = self._cameras.get(camera)
        if state is None:
            return ()
        first = bisect_left(state.entries, Entry(from_at, -1, -1))
        return tuple(state.entries[first : bisect_left(state.entries, Entry(to_at + 1, -1, -1))])

    def at_or_before(self, camera: str, at: int) -> Entry | None:
        """Return the last frame with ``captured_at <= at``."""
        state = self._cameras.get(camera)
        if state is None:
            return None
        after = bisect_right(state.entries, Entry(at + 1, -1, -1))
        return state.entries[after - 1] if after else None

    def oldest(self, camera: str) -> int | None:
        """Return the time of the oldest frame known of a camera."""
        state = self._cameras.get(camera)
        return state.entries[0].captured_at if state is not None and state.entries else None

    def _advance(self, camera: str, at: int) -> _Camera:
        state = self._cameras.setdefault(camera, _Camera(at))
        state.clock_at = max(state.clock_at, at)
        return state

    def _trim(self, state: _Camera) -> None:
        surplus = max(
            bisect_left(state.entries, Entry(state.clock_at - self._horizon_ms, -1, -1)),
            len(state.entries) - self._max_entries,
        )
        # In lumps, for each cut moves the whole list.
        if surplus >= TRIMMED_AT_ONCE:
            del state.entries[:surplus]
