"""Grey thumbnails of earlier times as one block of bytes, as a request carries them."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np

from triton_models.kit.picture import Grey

WIDTH = 240
"""Columns of a thumbnail, and of the picture in which movement is looked for."""

_HEADER = struct.Struct("<HHH")


class BadThumbnails(ValueError):
    """The bytes are not a block of thumbnails."""


def pack(thumbnails: Sequence[Grey]) -> bytes:
    """Return count, rows and columns (16 bit, little-endian), then the pixels, oldest first.

    Thumbnails of another size than the newest are left out: a source may change its size.

    >>> import numpy as np
    >>> unpack(pack([np.full((2, 3), 7, np.uint8)])).tolist()
    [[[7, 7, 7], [7, 7, 7]]]
    """
    if not thumbnails:
        return b""
    rows, columns = thumbnails[-1].shape
    same = [thumbnail for thumbnail in thumbnails if thumbnail.shape == (rows, columns)]
    return _HEADER.pack(len(same), rows, columns) + b"".join(part.tobytes() for part in same)


def unpack(block: bytes) -> Grey:
    """Return uint8 [count, rows, columns]; no bytes give no thumbnails.

    Raises:
        BadThumbnails: the length does not fit the header.
    """
    if not block:
        return np.zeros((0, 0, 0), np.uint8)
    if len(block) < _HEADER.size:
        raise BadThumbnails(f"{len(block)} bytes are too few for a block of thumbnails")
    shape = _HEADER.unpack_from(block)
    pixels = np.frombuffer(block, np.uint8, offset=_HEADER.size)
    if pixels.size != shape[0] * shape[1] * shape[2]:
        raise BadThumbnails(f"{pixels.size} pixels where {shape} were announced")
    return pixels.reshape(shape)
