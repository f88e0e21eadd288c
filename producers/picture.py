"""From a source's picture to the JPEG that is analysed: one way, live and in replay.

Equal pictures and equal configurations give equal bytes, so an event found live is found again.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np

from producers.privacy import Image, black_out
from schemas.errors import Rejected
from schemas.site import Camera

JPEG_QUALITY = 90


@dataclass(frozen=True, slots=True)
class AnalysedPicture:
    """The bytes of a picture as it is analysed, and its size in pixels."""

    jpeg: bytes
    width: int
    height: int


def analysed_jpeg(image: Image, camera: Camera) -> AnalysedPicture:
    """Black out, scale and encode a picture as the camera's configuration asks.

    Raises:
        Rejected: the picture cannot be encoded.
    """
    return encoded(analysed(image, camera))


def analysed(image: Image, camera: Camera) -> Image:
    """Return the picture with the privacy polygons black, scaled to the analysed width."""
    return scaled(black_out(image, camera.privacy), camera.width)


def scaled(image: Image, width: int | str) -> Image:
    """Return the picture at most ``width`` pixels wide (``native``: as it is).

    The aspect is kept: the height is the exact ratio rounded to whole pixels, ties to even, at
    least 1. Pixels are averaged over their area.
    """
    rows, columns = image.shape[:2]
    if isinstance(width, str) or columns <= width:
        return image
    height = max(1, round(Fraction(rows * width, columns)))
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def encoded(image: Image) -> AnalysedPicture:
    """Encode a picture as JPEG of quality 90.

    Raises:
        Rejected: OpenCV cannot encode it (a side of more than 65,500 pixels).
    """
    height, width = image.shape[:2]
    try:
        done, data = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY))
    except cv2.error as error:
        raise Rejected(f"a picture of {width}x{height} cannot be encoded: {error}") from error
    if not done:
        raise Rejected(f"a picture of {width}x{height} cannot be encoded as JPEG")
    return AnalysedPicture(data.tobytes(), width, height)
