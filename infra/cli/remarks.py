"""Operators' remarks put back where they stood among a filter's inputs.

Live they stand in ``candidates`` behind what match had written by then. A replay makes that anew, so
each remark is kept with the number ``n`` of the match that it stood behind. Under other rules, or
from no checkpoint, the numbers differ: then with the time of that match.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from infra.runtime.kafka import Message
from schemas.codec import decode
from schemas.errors import Rejected
from schemas.records import Matched, Remark
from streams.core.filter import FilterState


@dataclass(frozen=True, slots=True)
class Placed:
    """A remark, and the match that stood before it: its number and its time, UTC ms."""

    remark: Remark
    n: int
    at: int


class Remarks:
    """The remarks of a stretch that the filter has not heard yet, by key."""

    def __init__(
        self,
        placed: Mapping[str, Iterable[Placed]] | None = None,
        numbered: Collection[str] = (),
    ) -> None:
        """``numbered`` are the keys whose matches have the numbers that they had live."""
        self._waiting = {key: deque(found) for key, found in (placed or {}).items()}
        self._numbered = frozenset(numbered)

    def due(self, state: FilterState) -> Iterator[Remark]:
        """Yield, and forget, those that stood before what the filter takes in next."""
        waiting = self._waiting.get(state.key)
        while waiting and self._is_due(waiting[0], state):
            yield waiting.popleft().remark

    def is_numbered(self, key: str) -> bool:
        """Tell whether a key's candidates are those of the live run."""
        return key in self._numbered

    def _is_due(self, placed: Placed, state: FilterState) -> bool:
        if self.is_numbered(state.key):
            return placed.n <= state.applied
        return placed.at <= state.at


def place(
    messages: Iterable[Message], keys: Collection[str], heard: Mapping[str, tuple[int, int, int]]
) -> dict[str, list[Placed]]:
    """Return the remarks in messages of one partition of ``candidates``, by key.

    ``heard`` holds what a key's filter has taken in: offset, number and time of the last match.
    """
    last = {key: (n, at) for key, (_, n, at) in heard.items()}
    found: dict[str, list[Placed]] = {}
    for message in messages:
        try:
            record = decode(message.value)
        except Rejected:
            continue
        if not isinstance(record, Matched | Remark) or record.key not in keys:
            continue
        if message.offset <= heard.get(record.key, (-1, -1, 0))[0]:
            continue
        n, at = last.get(record.key, (-1, 0))
        if isinstance(record, Remark):
            found.setdefault(record.key, []).append(Placed(record, n, at))
        elif record.n > n:
            last[record.key] = (record.n, max(record.at, at))
    return found
