"""Fitting a picture into a square input: shrunk with its aspect, at the top left, the rest filled."""

from __future__ import annotations

import cv2
import numpy as np

from triton_models.kit.picture import Colour


def letterbox(picture: Colour, width: int, height: int, fill: int) -> tuple[Colour, float]:
    """Return the filled picture uint8 [height, width, 3] and the scale from source to input pixels.

    As YOLOX's own ``preproc`` does (yolox/data/data_augment.py): one scale for both sides, bilinear,
    top left.
    """
    rows, columns = picture.shape[:2]
    scale = min(height / rows, width / columns)
    size = (max(1, int(columns * scale)), max(1, int(rows * scale)))
    canvas = np.full((height, width, 3), fill, np.uint8)
    canvas[: size[1], : size[0]] = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
    return canvas, scale
