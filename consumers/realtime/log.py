"""The newest records of one organisation, once for all its clients."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from consumers.realtime.kinds import SOURCES, Followed, Kind
from consumers.realtime.positions import Positions


@dataclass(slots=True, eq=False)
class Entry:
    """One record as it was read."""

    kind: Kind
    record: Followed
    partition: int
    offset: int
    position: Positions
    """After it, of everything that this process has read."""
    superseded: bool = False
    """A newer record of the same identity follows."""
    frames: dict[Any, Any] = field(default_factory=dict)
    """As it is sent, by form: made once for all who are sent it."""

    @property
    def camera(self) -> str | None:
        """The camera it is about; None where it is about the whole site."""
        return SOURCES[self.kind].camera(self.record)

    @property
    def identity(self) -> tuple[Kind, str]:
        """What the record is about."""
        return self.kind, SOURCES[self.kind].identity(self.record)


class Log:
    """Entries in the order in which they were read, numbered; at most ``limit`` of them."""

    def __init__(self, floor: Positions, limit: int) -> None:
        self.floor = floor
        """Whatever of this organisation was read at or after this position is still here."""
        self.first = 0
        """Number of the oldest entry."""
        self._limit = limit
        self._entries: deque[Entry] = deque()
        self._newest: dict[tuple[Kind, str], Entry] = {}

    @property
    def end(self) -> int:
        """Number of the next entry."""
        return self.first + len(self._entries)

    def append(self, entry: Entry) -> Entry | None:
        """Add an entry; return the oldest where it had to go."""
        dropped = self.drop() if len(self._entries) >= self._limit else None
        before = self._newest.get(entry.identity)
        if before is not None:
            before.superseded = True
        self._newest[entry.identity] = entry
        self._entries.append(entry)
        return dropped

    def drop(self) -> Entry:
        """Take the oldest entry out; there must be one."""
        oldest = self._entries.popleft()
        self.first += 1
        self.floor = oldest.position
        if not oldest.superseded:
            del self._newest[oldest.identity]
        return oldest

    def since(self, number: int) -> Iterator[Entry]:
        """Yield the entries from a number on; the log must not change meanwhile."""
        if number < self.end - len(self._entries) // 2:
            yield from list(self._entries)[max(0, number - self.first) :]
            return
        # Near the end, where nearly everybody is, an index costs nothing.
        for index in range(number - self.end, 0):
            yield self._entries[index]
