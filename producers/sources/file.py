"""A video file, whole or damaged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError, PermissionError

from producers.sources.decoding import Decoder
from producers.sources.source import Packet, Picture, SourceReport, StreamFacts
from schemas.errors import Rejected

# A playlist inside a file must not make FFmpeg read other places.
_OPTIONS = {"protocol_whitelist": "file"}


class FileSource:
    """One reading of a file from its beginning.

    A damaged file gives as many pictures as can be decoded.

    Args:
        path: of the file.
        packets: whether its packets are wanted too.
    """

    live = False

    def __init__(self, path: Path, *, packets: bool = False) -> None:
        self._path = path
        self._packets = packets
        self._container: InputContainer | None = None
        self._decoder: Decoder | None = None

    def open(self) -> None:
        """Open the file and find its video stream.

        Raises:
            Rejected: it is missing, cannot be read, or holds no video.
        """
        if not self._path.exists():
            raise Rejected(
                f"there is no file {self._path}: check the path (the camera's `source`)",
                reason="missing",
            )
        if not self._path.is_file():
            raise Rejected(
                f"{self._path} is a folder or a device: give the path of a video file",
                reason="no-file",
            )
        try:
            self._container = av.open(
                str(self._path.resolve()), metadata_errors="replace", options=dict(_OPTIONS)
            )
        except PermissionError as error:
            raise Rejected(
                f"{self._path} may not be read: give this user the right to", reason="forbidden"
            ) from error
        except (FFmpegError, OSError) as error:
            raise self._unreadable("it is not a video file, or its index is missing") from error
        try:
            self._decoder = Decoder(self._container, packets=self._packets, timed=True)
        except Rejected as error:
            raise self._unreadable(str(error), error.reason) from error

    def __iter__(self) -> Iterator[Packet | Picture]:
        """Yield what can be decoded.

        Raises:
            Rejected: that is nothing.
        """
        assert self._decoder is not None, "open() comes first"
        broken: FFmpegError | None = None
        try:
            yield from self._decoder
        except FFmpegError as error:
            broken = error
        if self._decoder.decoded == 0:
            raise self._unreadable("not one picture in it can be decoded") from broken

    def facts(self) -> StreamFacts | None:
        """Return how the packets are decoded."""
        return None if self._decoder is None else self._decoder.facts()

    def report(self) -> SourceReport:
        """Return the file's frame interval and how much of it is damaged."""
        assert self._decoder is not None, "open() comes first"
        return self._decoder.report()

    def close(self) -> None:
        """Close the file."""
        if self._container is not None:
            self._container.close()
            self._container = None

    def _unreadable(self, why: str, reason: str = "unreadable") -> Rejected:
        return Rejected(
            f"{self._path} cannot be read as video: {why}; repair it or give another file",
            reason=reason,
        )
