"""Fitting a picture into the network's input, and where it came to lie there."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from triton_models.kit.picture import Colour

Placement = npt.NDArray[np.float32]
"""[4]: width and height of the fitted picture, its left and its top, in pixels of the input."""
Fit = Literal["top-left", "centre", "stretch"]


def letterbox(
    picture: Colour, width: int, height: int, fit: Fit, fill: int
) -> tuple[Colour, Placement]:
    """Return the filled picture uint8 [height, width, 3] and where the whole frame lies in it.

    One scale for both sides and bilinear, at the top left as YOLOX does (yolox/data/data_augment.py)
    or in the middle as Ultralytics does (data/augment.py, ``LetterBox``); stretched, each side has its own scale, by area.
    """
    rows, columns = picture.shape[:2]
    if fit == "stretch":
        stretched = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        return np.asarray(stretched, np.uint8), np.array([width, height, 0, 0], np.float32)
    scale = min(height / rows, width / columns)
    whole = round if fit == "centre" else int
    size = (max(1, whole(columns * scale)), max(1, whole(rows * scale)))
    left, top = ((width - size[0]) // 2, (height - size[1]) // 2) if fit == "centre" else (0, 0)
    canvas = np.full((height, width, 3), fill, np.uint8)
    canvas[top : top + size[1], left : left + size[0]] = cv2.resize(
        picture, size, interpolation=cv2.INTER_LINEAR
    )
    lies = np.float32(scale) * np.array([columns, rows, 0, 0], np.float32)
    lies[2:] = left, top
    return canvas, lies
