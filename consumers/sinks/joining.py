"""Chunks of evidence put together again, and checked against their hash."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from schemas.errors import Rejected
from schemas.records import Evidence

MAX_CHUNKS = 1024
MAX_WAITING_BYTES = 256 << 20
"""Of all incomplete objects together; beyond it the oldest are given up."""
MAX_WAIT_MS = 3_600_000
"""How long a chunk waits for the others, by arrival in Kafka."""

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Joined(Generic[S]):
    """A whole object as one record with all its data, and the messages that it came in."""

    evidence: Evidence
    sources: tuple[S, ...]


@dataclass(slots=True)
class _Attempt(Generic[S]):
    """The chunks so far of one making of the object."""

    arrived_at: int
    chunks: dict[int, Evidence] = field(default_factory=dict)
    sources: list[S] = field(default_factory=list)

    def size(self) -> int:
        return sum(len(chunk.data) for chunk in self.chunks.values())


class ChunkJoiner(Generic[S]):
    """Holds chunks until their object is whole; ``S`` is whatever names a chunk's message."""

    def __init__(
        self, max_waiting_bytes: int = MAX_WAITING_BYTES, max_wait_ms: int = MAX_WAIT_MS
    ) -> None:
        self._max_waiting_bytes = max_waiting_bytes
        self._max_wait_ms = max_wait_ms
        self._attempts: OrderedDict[tuple[str, str, int], _Attempt[S]] = OrderedDict()
        self._waiting_bytes = 0

    def add(self, chunk: Evidence, source: S, arrived_at: int) -> Joined[S] | None:
        """Take one chunk, which arrived at ``arrived_at`` (UTC ms); return what it completes.

        A maker that was killed half-way begins again; what its first attempt left behind counts
        as a source of the object that is completed.

        Raises:
            Rejected: the record contradicts itself; nothing is kept of it.
        """
        _check(chunk)
        key = (chunk.evidence_id, chunk.sha256, chunk.chunks)
        attempt = self._attempts.setdefault(key, _Attempt(arrived_at))
        attempt.sources.append(source)
        if chunk.chunk not in attempt.chunks:
            attempt.chunks[chunk.chunk] = chunk
            self._waiting_bytes += len(chunk.data)
        if len(attempt.chunks) < chunk.chunks:
            return None
        sources = tuple(
            source
            for other in [other for other in self._attempts if other[0] == chunk.evidence_id]
            for source in self._drop(other).sources
        )
        data = b"".join(attempt.chunks[number].data for number in range(chunk.chunks))
        return Joined(replace(chunk, data=data, chunk=0, chunks=1), sources)

    def give_up(self, now_at: int) -> list[S]:
        """Return the messages of objects that have waited too long, or take too much room.

        ``now_at`` is the arrival (UTC ms) of the newest message.
        """
        given_up: list[S] = []
        for key, attempt in list(self._attempts.items()):
            late = now_at - attempt.arrived_at > self._max_wait_ms
            if late or self._waiting_bytes > self._max_waiting_bytes:
                given_up += self._drop(key).sources
        return given_up

    def keep(self, belongs: Callable[[S], bool]) -> None:
        """Forget the objects whose messages are another member's business now."""
        for key, attempt in list(self._attempts.items()):
            if not all(map(belongs, attempt.sources)):
                self._drop(key)

    def _drop(self, key: tuple[str, str, int]) -> _Attempt[S]:
        attempt = self._attempts.pop(key)
        self._waiting_bytes -= attempt.size()
        return attempt


def verify(evidence: Evidence) -> None:
    """Check a whole object against its size and hash.

    Raises:
        Rejected: they differ; the object must not be stored.
    """
    if len(evidence.data) != evidence.size:
        raise Rejected(
            f"evidence {evidence.evidence_id} has {len(evidence.data)} bytes, not {evidence.size}",
            reason="wrong-size",
        )
    found = hashlib.sha256(evidence.data).hexdigest()
    if found != evidence.sha256:
        raise Rejected(
            f"evidence {evidence.evidence_id} has the SHA-256 {found}, not {evidence.sha256}",
            reason="wrong-hash",
        )


def _check(chunk: Evidence) -> None:
    if not 1 <= chunk.chunks <= MAX_CHUNKS or not 0 <= chunk.chunk < chunk.chunks:
        raise Rejected(
            f"evidence {chunk.evidence_id} has chunk {chunk.chunk} of {chunk.chunks}",
            reason="bad-chunk",
        )
