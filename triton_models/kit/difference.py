"""How far each pixel stands out from the background, in units of what is noise there."""

from __future__ import annotations

import cv2
import numpy as np

from triton_models.kit.background import Floats

_FLOOR = 10.0
_NOISE_SIGMAS = 4.0
_SPREAD_SIGMAS = 2.0
_MAD_TO_SIGMA = 1.4826
_WINDOW = np.ones((3, 3), np.uint8)


def stands_out(frame: Floats, low: Floats, high: Floats, spread: Floats) -> Floats:
    """Return [rows, columns], 1 where the difference just exceeds the noise.

    A pixel is explained by any background pixel next to it, so that a camera shaking by a pixel
    and the ringing of JPEG at edges stand out nowhere.
    """
    frame = blurred(frame)
    above = frame - cv2.dilate(blurred(high), _WINDOW)
    below = cv2.erode(blurred(low), _WINDOW) - frame
    excess = cv2.max(above, below)
    noise = _MAD_TO_SIGMA * float(np.median(np.abs(frame - blurred((low + high) / 2))))
    limit = np.float32(max(_FLOOR, _NOISE_SIGMAS * noise)) + np.float32(_SPREAD_SIGMAS) * spread
    return np.asarray(np.maximum(excess, 0) / limit, np.float32)


def blurred(picture: Floats) -> Floats:
    """Return the picture through a 3x3 Gaussian: what is left of sensor noise is a third."""
    return np.asarray(cv2.GaussianBlur(picture, (3, 3), 0), np.float32)
