"""A frame with its object's box and a label drawn into it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from schemas.errors import Rejected

JPEG_QUALITY = 90
_BOX_COLOUR = (64, 200, 255)
_TEXT_COLOUR = (0, 0, 0)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
Picture = NDArray[np.uint8]


def decode_jpeg(jpeg: bytes) -> Picture:
    """Return the picture as (height, width, 3) BGR.

    Raises:
        Rejected: it is no picture.
    """
    data = np.frombuffer(jpeg, np.uint8)
    picture: Any = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if picture is None:
        raise Rejected(f"a frame of {len(jpeg)} bytes is no JPEG", reason="bad-jpeg")
    return np.asarray(picture, np.uint8)


def draw_snapshot(jpeg: bytes, box: Sequence[float] | None, label: str) -> bytes:
    """Return the frame as JPEG, with ``box`` (x1, y1, x2, y2, normalised) and ``label`` in it.

    A box may reach past the picture; without a box the label stands in the top left corner.

    Raises:
        Rejected: the frame is no picture, or the box has no four finite numbers.
    """
    picture = decode_jpeg(jpeg)
    height, width = picture.shape[:2]
    thickness = max(1, round(width / 320))
    left, top = 0, 0
    if box is not None:
        corners = np.asarray(box, float)
        if corners.shape != (4,) or not np.isfinite(corners).all():
            raise Rejected(f"a box of {box!r} cannot be drawn", reason="bad-box")
        # OpenCV draws with 16 bit coordinates at worst; -1..2 keeps what reaches past visible.
        x1, y1, x2, y2 = (
            (np.clip(corners, -1, 2) * (width - 1, height - 1, width - 1, height - 1))
            .round()
            .astype(int)
            .tolist()
        )
        cv2.rectangle(picture, (x1, y1), (x2, y2), _BOX_COLOUR, thickness)
        left, top = x1, y1
    _write(picture, label, left, top, thickness)
    done, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise Rejected("the picture cannot be encoded as JPEG", reason="encoding")
    return encoded.tobytes()


def _write(picture: Picture, label: str, left: int, top: int, thickness: int) -> None:
    height, width = picture.shape[:2]
    # The built-in font holds ASCII only.
    text = label.encode("ascii", "replace").decode()
    scale = max(0.35, width / 1280)
    (text_width, text_height), below = cv2.getTextSize(text, _FONT, scale, 1)
    text_x = min(max(0, left), max(0, width - text_width - 4))
    # Above the box where there is room, else just inside it.
    base = top - below - 2 if top - text_height - below >= 4 else top + text_height + 4
    text_y = min(max(text_height + 2, base), height - below - 1)
    corner = (text_x, text_y - text_height - 2)
    cv2.rectangle(picture, corner, (text_x + text_width + 4, text_y + below), _BOX_COLOUR, -1)
    cv2.putText(picture, text, (text_x + 2, text_y), _FONT, scale, _TEXT_COLOUR, 1, cv2.LINE_AA)
