"""Pictures out of a multipart stream of JPEG. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = re.compile(rb"(?i)(?:^|\r\n)content-length: *([0-9]{1,9}) *(?:\r\n|$)")
_LONGEST_HEAD = 10_000


class Pictures:
    """Takes a stream's bytes as they come, and gives each picture once it is whole.

    >>> pictures = Pictures()
    >>> list(pictures.feed(b"--frame\\r\\nContent-Length: 4\\r\\n\\r\\nJP"))
    []
    >>> list(pictures.feed(b"EG\\r\\n--frame\\r\\n"))
    [b'JPEG']
    """

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, some: bytes) -> Iterator[bytes]:
        """Take some bytes, and yield the pictures that are whole with them.

        Raises:
            httpx.RemoteProtocolError: this is no stream of parts that tell their length.
        """
        self._rest += some
        while (end := self._rest.find(_END_OF_HEAD)) >= 0:
            length = _LENGTH.search(self._rest[:end])
            if length is None:
                raise httpx.RemoteProtocolError("a part of the stream does not tell its length")
            begin = end + len(_END_OF_HEAD)
            stop = begin + int(length[1])
            if len(self._rest) < stop:
                return
            picture = bytes(self._rest[begin:stop])
            del self._rest[:stop]
            yield picture
        if len(self._rest) > _LONGEST_HEAD:
            raise httpx.RemoteProtocolError("the stream is none of pictures")
