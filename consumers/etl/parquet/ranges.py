"""An object of the bucket as a file that is read where it is looked at, not as a whole."""

from __future__ import annotations

import io

from consumers.etl.parquet.bucket import AnalyticsBucket


class ObjectFile(io.RawIOBase):
    """Reads ranges of one object; whoever reads the end of a large one fetches the end alone."""

    def __init__(self, bucket: AnalyticsBucket, key: str, size: int) -> None:
        super().__init__()
        self._bucket, self._key, self._size = bucket, key, size
        self._at = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Return where the next read begins."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to ``offset`` bytes from the start, from here, or from the end."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill the buffer with what comes next.

        Raises:
            Rejected: the object is not there any more.
            Retryable: the service does not answer.
        """
        length = min(len(buffer), self._size - self._at)
        if length <= 0:
            return 0
        pieces = self._bucket.read(self._bucket.bucket, self._key, self._at, length)
        found = b"".join(pieces)
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)
