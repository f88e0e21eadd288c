"""Where the weights of an update come from: chunks in the topic, or an address."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from schemas.errors import Retryable
from schemas.records import ModelUpdate
from streams.inference.updating.downloading import download, shown
from streams.inference.updating.pieces import Pieces, ReadAt
from streams.inference.updating.weights import WeightStore


@dataclass(frozen=True, slots=True)
class _Download:
    result: Future[None]
    given_up: Event


class Source:
    """Brings weights to this site's disk.

    Args:
        store: where they are kept until they are installed.
        pieces: what stands in the topic.
        read_at: reads the topic.
        stopping: tells that the process ends.
    """

    def __init__(
        self, store: WeightStore, pieces: Pieces, read_at: ReadAt, stopping: Callable[[], bool]
    ) -> None:
        self._store = store
        self._pieces = pieces
        self._read_at = read_at
        self._stopping = stopping
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="download")
        self._downloads: dict[str, _Download] = {}

    def bring(self, update: ModelUpdate) -> Path | None:
        """Return the file of an update's weights, its checksum verified; None for those without.

        Raises:
            Retryable: not everything has come; ask again.
            Rejected: what came is not what the update names.
        """
        digest = update.sha256
        if not digest:
            return None
        whole = self._store.whole(digest)
        if whole is not None:
            return whole
        if update.chunks:
            self._pieces.bring(digest, update.chunks, self._store, self._read_at)
            return self._store.join(digest, update.chunks)
        return self._downloaded(update.address or "", update)

    def keep_only(self, digests: Iterable[str]) -> None:
        """Give up what nobody waits for any more."""
        wanted = set(digests)
        for digest in self._downloads.keys() - wanted:
            self._downloads.pop(digest).given_up.set()
        self._store.keep_only(wanted)

    def close(self) -> None:
        """End a download; it goes on where it stopped."""
        self._pool.shutdown(cancel_futures=True)

    def _downloaded(self, address: str, update: ModelUpdate) -> Path:
        digest = update.sha256
        path = self._store.download(digest)
        if digest not in self._downloads:
            self._downloads[digest] = self._begin(address, update.size, path)
        result = self._downloads[digest].result
        if not result.done():
            have = path.stat().st_size if path.exists() else 0
            raise Retryable(f"{shown(address)} is being fetched: {have} of {update.size} bytes")
        del self._downloads[digest]
        result.result()
        return self._store.take(digest, path)

    def _begin(self, address: str, size: int, path: Path) -> _Download:
        given_up = Event()

        def stopping() -> bool:
            return given_up.is_set() or self._stopping()

        return _Download(self._pool.submit(download, address, size, path, stopping), given_up)
