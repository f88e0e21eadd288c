"""Commits in order while work finishes out of order.

A consumer may commit a message only when everything before it in its partition is finished too;
otherwise a restart would skip what was still pending.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import chain

from infra.runtime.kafka import Message

Place = tuple[str, int]
"""Topic and partition."""


class OrderedCommits:
    """Which messages are being worked on, and up to where their partitions are finished."""

    def __init__(self) -> None:
        self._open: dict[Place, dict[int, Message]] = {}
        self._finished: dict[Place, set[int]] = {}

    def begin(self, message: Message) -> bool:
        """Note a message as read; False if it is being worked on already (read again)."""
        pending = self._open.setdefault((message.topic, message.partition), {})
        if message.offset in pending:
            return False
        pending[message.offset] = message
        return True

    def finish(self, message: Message) -> None:
        """Note that everything that a message asked for has been done."""
        self._finished.setdefault((message.topic, message.partition), set()).add(message.offset)

    def take(self) -> list[Message]:
        """Return the last message of each partition before which nothing is open, and forget.

        The result goes to ``RecordConsumer.commit``.
        """
        ends: list[Message] = []
        for place, finished in self._finished.items():
            pending = self._open.get(place, {})
            last: Message | None = None
            for offset in sorted(pending):
                if offset not in finished:
                    break
                last = pending.pop(offset)
                finished.discard(offset)
            if last is not None:
                ends.append(last)
            finished &= pending.keys()
        return ends

    def keep(self, places: Collection[Place]) -> None:
        """Forget the partitions that now belong to another member of the group."""
        for place in [place for place in self._open if place not in places]:
            del self._open[place]
            self._finished.pop(place, None)

    def __contains__(self, message: Message) -> bool:
        """Tell whether a message is noted: read, and not yet forgotten."""
        return message.offset in self._open.get((message.topic, message.partition), {})

    def __iter__(self) -> Iterator[Message]:
        """Iterate over the messages noted."""
        return chain.from_iterable(pending.values() for pending in self._open.values())

    def __len__(self) -> int:
        return sum(len(pending) for pending in self._open.values())
