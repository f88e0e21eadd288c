"""Where in the topic each chunk stands, and bringing those that a release needs to disk.

Chunks may stand before or after the update that needs them. Only their offsets are remembered;
what a site really wants is read again by offset, so weights meant for others cost no disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from infra.runtime.kafka import Message
from schemas.codec import decode_as
from schemas.errors import Rejected, Retryable
from schemas.records import ModelChunk
from streams.inference.updating.weights import WeightStore

ReadAt = Callable[[Iterable[int]], list[Message]]
"""Returns the messages of the topic at these offsets, as far as they are still there."""
_READ_AT_ONCE = 4


class Pieces:
    """The offsets of the chunks of all weights in the topic."""

    def __init__(self) -> None:
        self._offsets: dict[str, dict[int, int]] = {}

    def hear(self, chunk: ModelChunk, offset: int) -> None:
        """Remember where a chunk stands; of one that stands there twice, the later place."""
        known = self._offsets.setdefault(chunk.sha256, {})
        if chunk.deleted:
            known.pop(chunk.chunk, None)
        else:
            known[chunk.chunk] = offset
        if not known:
            del self._offsets[chunk.sha256]

    def bring(self, digest: str, chunks: int, store: WeightStore, read_at: ReadAt) -> None:
        """Put every chunk of these weights into the store.

        Raises:
            Retryable: some are not in the topic yet, or Kafka does not answer; what was brought
                stays.
            Rejected: a chunk is none.
        """
        known = self._offsets.get(digest, {})
        held = store.held(digest)
        there = [n for n in range(chunks) if n not in held and n in known]
        for start in range(0, len(there), _READ_AT_ONCE):
            self._bring(digest, there[start : start + _READ_AT_ONCE], store, read_at)
        missing = [n for n in range(chunks) if n not in store.held(digest)]
        if missing:
            raise Retryable(
                f"{len(missing)} of {chunks} chunks of {digest[:12]} have not come, chunk "
                f"{missing[0]} first: they are waited for; `sightline models publish` sends them again"
            )

    def _bring(
        self, digest: str, numbers: Sequence[int], store: WeightStore, read_at: ReadAt
    ) -> None:
        for message in read_at(self._offsets[digest][number] for number in numbers):
            try:
                chunk = decode_as(ModelChunk, message.value)
            except Rejected:
                # It was heard once, so another message stands at this offset: it has not come.
                continue
            if chunk.sha256 == digest:
                store.add(digest, chunk.chunk, chunk.data)
