"""The log of one organisation and the clients that read it."""

from __future__ import annotations

from typing import Protocol

from consumers.realtime.log import Entry, Log
from consumers.realtime.outbox import Outbox
from consumers.realtime.positions import Positions


class Reader(Protocol):
    """A client, as its feed knows it."""

    outbox: Outbox

    def wake(self) -> None:
        """Look at the outbox again."""
        ...


class Feed:
    """Hands each entry to those who want it."""

    def __init__(self, floor: Positions, limit: int) -> None:
        """Begin with an empty log; see :attr:`Log.floor`."""
        self.log = Log(floor, limit)
        self.readers: set[Reader] = set()

    def append(self, entry: Entry, before: Positions) -> bool:
        """Add an entry, read when the process stood at ``before``; tell whether one was dropped."""
        number = self.log.first
        dropped = self.log.append(entry)
        if dropped is not None:
            self._lose(dropped, number)
        for reader in self.readers:
            if reader.outbox.offer(entry, before):
                reader.wake()
        return dropped is not None

    def drop(self) -> None:
        """Let the oldest entry go."""
        number = self.log.first
        self._lose(self.log.drop(), number)

    def _lose(self, entry: Entry, number: int) -> None:
        for reader in self.readers:
            reader.outbox.lose(entry, number)
