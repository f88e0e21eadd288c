"""The parts of a body of ``multipart/x-mixed-replace``, as cameras send it; no I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import Message

from producers.packets import MOST_PACKET_BYTES
from schemas.errors import Rejected

_LENGTH = re.compile(rb"\ncontent-length[ \t]*:[ \t]*(\d{1,9})[ \t]*\r?\n", re.IGNORECASE)
_FIRST_LINE = re.compile(rb"\s*-*([^\s-][^\r\n]*)\r?\n")
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")
_LINE_BREAKS = b"\r\n"


def boundary_of(content_type: str) -> bytes:
    """Return the boundary that a content type names, without the dashes before it.

    Cameras write them into the name, or not, or leave the name out.

    >>> boundary_of('multipart/x-mixed-replace; boundary="--frame"'), boundary_of("multipart/x")
    (b'frame', b'')
    """
    header = Message()
    header["Content-Type"] = content_type
    return str(header.get_param("boundary", "")).encode("latin-1", "replace").lstrip(b"-")


def check_size(size: int) -> None:
    """Refuse a picture of so many bytes where they are too many.

    Raises:
        Rejected: they are.
    """
    if size > MOST_PACKET_BYTES:
        problem = f"it sends a picture of more than {MOST_PACKET_BYTES // 1_000_000} MB"
        raise Rejected(problem, reason="too-large")


class Parts:
    """Splits what has come so far into parts.

    A part ends after as many bytes as it announces, else before the next delimiter: two or more
    dashes and the boundary.

    Args:
        boundary: without the dashes before it; empty: the body's first line says it.
    """

    def __init__(self, boundary: bytes) -> None:
        self._delimiter = _delimiter(boundary) if boundary else None
        self._left = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the bodies of the parts that ``data`` completes.

        Raises:
            Rejected: a part is too large, or no delimiter comes.
        """
        self._left += data
        while (part := self._next()) is not None:
            check_size(len(part))
            if part:
                yield part
        check_size(len(self._left))

    def _next(self) -> bytes | None:
        """Return the body of the next part, empty where it has none; None: it is not all there."""
        if self._delimiter is None:
            line = _FIRST_LINE.match(self._left)
            if line is None:
                return None
            self._delimiter = _delimiter(line[1])
        start = self._delimiter.search(self._left)
        if start is None:
            return None
        headers = _END_OF_HEADERS.search(self._left, start.end())
        if headers is None:
            return None
        begin = headers.end()
        length = _LENGTH.search(self._left, start.end(), begin)
        if length is not None:
            check_size(int(length[1]))
            end = begin + int(length[1])
            if len(self._left) < end:
                return None
            part, self._left = self._left[begin:end], self._left[end:]
            return part
        following = self._delimiter.search(self._left, begin)
        if following is None:
            return None
        part = self._left[begin : following.start()].rstrip(_LINE_BREAKS)
        self._left = self._left[following.start() :]
        return part


def _delimiter(boundary: bytes) -> re.Pattern[bytes]:
    # With what else is in its line: two dashes behind the boundary end the last part.
    return re.compile(rb"-{2,}" + re.escape(boundary) + rb"[^\r\n]*(?=\r?\n)")
