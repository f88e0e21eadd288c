"""What one client has still to be told: a place in its organisation's log, not a queue of its own.

A slow client costs no memory. One that is far behind is told only the newest of each event; what
falls out of the log untold is counted, and the client hears where to resume.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from consumers.realtime.log import Entry, Log
from consumers.realtime.positions import Positions, covers, joined

CONFLATED_BEHIND = 256
"""Entries that may wait before news of the same event take the place of one another."""


@dataclass(frozen=True, slots=True)
class Lagged:
    """So many were dropped; what was dropped lies behind this position."""

    dropped: int
    position: Positions


@dataclass(frozen=True, slots=True)
class Told:
    """An entry to send, and the position after it; ``shared`` with everybody who is sent it."""

    entry: Entry
    position: Positions
    shared: bool


class Outbox:
    """The place of one client in a log."""

    def __init__(
        self, log: Log, wants: Callable[[Entry], bool], at: int, position: Positions, *, seen: bool
    ) -> None:
        """Begin at entry ``at``; with ``seen`` the client has everything below ``position``, of
        which some may follow in this log."""
        self._log = log
        self._wants = wants
        self._at = at
        self._position = position
        self._seen = position if seen else None
        self._dropped = 0
        self._missed_until = log.end
        """What was there at the start is told whole: it is what the client has missed."""

    @property
    def idle(self) -> bool:
        """Whether nothing waits."""
        return self._at == self._log.end and not self._dropped

    def offer(self, entry: Entry, before: Positions) -> bool:
        """Hear of an entry that was just appended; tell whether an idle client now has work."""
        if self._at != self._log.end - 1 or self._dropped:
            return False
        if not self._new(entry):
            self._at += 1
            return False
        self._position = self._whole(before)
        return True

    def lose(self, entry: Entry, number: int) -> None:
        """Hear that an entry has fallen out of the log."""
        if self._at > number:
            return
        self._at = number + 1
        if not entry.superseded and self._new(entry):
            self._dropped += 1

    def take(self, limit: int) -> list[Told | Lagged]:
        """Return what is to be sent next, at most ``limit`` entries."""
        taken: list[Told | Lagged] = []
        if self._dropped:
            taken.append(Lagged(self._dropped, self._position))
            self._dropped = 0
        for entry in self._log.since(self._at):
            if len(taken) >= limit:
                break
            number, self._at = self._at, self._at + 1
            far = self._missed_until <= number < self._log.end - CONFLATED_BEHIND
            if not (far and entry.superseded) and self._new(entry):
                self._position = self._whole(entry.position)
                if self._seen is not None and covers(entry.position, self._seen):
                    self._seen = None
                taken.append(Told(entry, self._position, self._seen is None))
        return taken

    def place(self, read: Positions) -> Positions:
        """Return the client's position, once ``read`` is where the whole process stands."""
        if self.idle:
            self._position = self._whole(read)
            if self._seen is not None and covers(read, self._seen):
                self._seen = None
        return self._position

    def _new(self, entry: Entry) -> bool:
        if self._seen is not None and entry.offset < self._seen[entry.kind][entry.partition]:
            return False
        return self._wants(entry)

    def _whole(self, position: Positions) -> Positions:
        return position if self._seen is None else joined(position, self._seen)
