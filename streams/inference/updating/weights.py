"""Weights on their way into a site: chunks on disk until they are whole and their checksum is right.

Each chunk is a file, written whole or not at all; so they may come in any order and again, an
interrupted transfer goes on where it stopped, and no more than one is in memory.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from schemas.errors import Rejected
from schemas.releases import CHUNK_BYTES, MOST_CHUNKS, digest_of

_WHOLE = "weights.onnx"
_PART = ".part"


class WeightStore:
    """A folder with one folder for each file of weights, named by its SHA-256."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, digest: str, chunk: int, data: bytes) -> None:
        """Keep one chunk.

        Raises:
            Rejected: its number or its length is none that a chunk has.
        """
        if not 0 <= chunk < MOST_CHUNKS or not 0 < len(data) <= CHUNK_BYTES:
            raise Rejected(
                f"chunk {chunk} of {digest[:12]} has {len(data)} bytes: {MOST_CHUNKS} chunks of 1 "
                f"to {CHUNK_BYTES} bytes are taken; publish it again",
                reason="bad-chunk",
            )
        path = self._place(digest) / str(chunk)
        part = path.with_name(f"{chunk}{_PART}")
        part.write_bytes(data)
        part.replace(path)

    def held(self, digest: str) -> set[int]:
        """Return the chunks that are there."""
        folder = self._folder / digest
        if not folder.is_dir():
            return set()
        return {int(entry.name) for entry in folder.iterdir() if entry.name.isdigit()}

    def whole(self, digest: str) -> Path | None:
        """Return the file once it was put together, else None."""
        path = self._folder / digest / _WHOLE
        return path if path.is_file() else None

    def download(self, digest: str) -> Path:
        """Return where what comes from an address is written, and found again after a restart."""
        return self._place(digest) / f"download{_PART}"

    def join(self, digest: str, chunks: int) -> Path:
        """Put the chunks together and return the file.

        Raises:
            Rejected: their checksum is another one; the chunks are gone.
        """
        folder = self._place(digest)
        part = folder / f"{_WHOLE}{_PART}"
        found = sha256()
        with part.open("wb") as file:
            for chunk in range(chunks):
                data = (folder / str(chunk)).read_bytes()
                found.update(data)
                file.write(data)
        return self._accept(digest, part, found.hexdigest())

    def take(self, digest: str, path: Path) -> Path:
        """Take over a file that was downloaded, and return where it is now.

        Raises:
            Rejected: its checksum is another one; the file is gone.
        """
        return self._accept(digest, path, digest_of(path))

    def keep_only(self, digests: Iterable[str]) -> None:
        """Remove everything else."""
        wanted = set(digests)
        if self._folder.is_dir():
            for entry in self._folder.iterdir():
                if entry.name not in wanted:
                    shutil.rmtree(entry, ignore_errors=True)

    def _place(self, digest: str) -> Path:
        folder = self._folder / digest
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _accept(self, digest: str, part: Path, found: str) -> Path:
        folder = self._folder / digest
        if found != digest:
            shutil.rmtree(folder)
            raise Rejected(
                f"the weights have SHA-256 {found}, and the update names {digest}: they were "
                "damaged on the way or are another file; publish them again",
                reason="wrong-checksum",
            )
        whole = folder / _WHOLE
        part.replace(whole)
        for entry in folder.iterdir():
            if entry != whole:
                entry.unlink()
        return whole
