"""Decoding a frame's JPEG, whole and in colour or small and grey."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Grey = npt.NDArray[np.uint8]
Colour = npt.NDArray[np.uint8]

MAX_PIXELS = 1 << 26
"""A larger picture is refused before it is decoded: 67 million pixels."""

_START, _END = b"\xff\xd8", b"\xff\xd9"
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xDA)})
_REDUCED = {
    1: cv2.IMREAD_GRAYSCALE,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}


class BadPicture(ValueError):
    """The bytes are not a whole JPEG that can be decoded."""


def jpeg_size(jpeg: bytes) -> tuple[int, int]:
    """Return (width, height) in pixels as the JPEG's frame header says (ITU-T T.81, B.2.2).

    Raises:
        BadPicture: not a JPEG, cut short, or larger than ``MAX_PIXELS``.
    """
    if not jpeg.startswith(_START):
        raise BadPicture(f"{len(jpeg)} bytes that do not begin as a JPEG does")
    if _END not in jpeg[-64:]:
        raise BadPicture(f"a JPEG of {len(jpeg)} bytes that is cut short")
    at = 2
    while at + 9 <= len(jpeg):
        if jpeg[at] != 0xFF:
            break
        marker = jpeg[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _WITHOUT_LENGTH:
            at += 2
        elif marker in _FRAME_HEADERS:
            height = int.from_bytes(jpeg[at + 5 : at + 7], "big")
            width = int.from_bytes(jpeg[at + 7 : at + 9], "big")
            if not 0 < width * height <= MAX_PIXELS:
                raise BadPicture(f"a JPEG of {width}x{height} pixels")
            return width, height
        else:
            at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    raise BadPicture("a JPEG without a frame header")


def decode_colour(jpeg: bytes) -> Colour:
    """Return the picture as uint8 [height, width, 3], blue first.

    Raises:
        BadPicture: it cannot be decoded.
    """
    jpeg_size(jpeg)
    return _decode(jpeg, cv2.IMREAD_COLOR)


def decode_grey(jpeg: bytes, width: int) -> Grey:
    """Return the picture as uint8 [rows, columns], ``width`` columns or fewer, aspect kept.

    The decoder shrinks by a power of two in the frequency domain first, which is several times
    faster than decoding whole; a picture narrower than ``width`` keeps its size.

    Raises:
        BadPicture: it cannot be decoded.
    """
    full_width, full_height = jpeg_size(jpeg)
    factor = max(factor for factor in _REDUCED if factor == 1 or full_width >= width * factor)
    picture = _decode(jpeg, _REDUCED[factor])
    if picture.shape[1] <= width:
        return picture
    rows = max(1, round(full_height * width / full_width))
    return np.asarray(cv2.resize(picture, (width, rows), interpolation=cv2.INTER_AREA), np.uint8)


def _decode(jpeg: bytes, flags: int) -> Grey:
    encoded = np.frombuffer(jpeg, np.uint8)
    try:
        picture = cv2.imdecode(encoded, flags | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise BadPicture(f"a JPEG that cannot be decoded: {error.err}") from error
    if picture is None:
        raise BadPicture(f"a JPEG of {len(jpeg)} bytes that cannot be decoded")
    return np.asarray(picture, np.uint8)
