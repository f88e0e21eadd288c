"""YOLOX: from a JPEG to boxes, with the grid decoded here (Ge et al. 2021, arXiv:2107.08430)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from triton_models.kit.card import Card
from triton_models.kit.letterbox import letterbox
from triton_models.kit.nms import Floats, suppress
from triton_models.kit.objects import NO_OBJECTS, Objects
from triton_models.kit.picture import decode_colour
from triton_models.kit.session import run_session

STRIDES = (8, 16, 32)


class Yolox:
    """A YOLOX network exported without its decoding.

    Input float32 [1, 3, height, width] 0..255 in the card's colour order; output [1, cells, 5 +
    classes]: centre offset, log size, objectness and class scores, both already through a sigmoid.
    """

    def __init__(self, card: Card, session: Any) -> None:
        self._card = card
        self._session = session
        self._output = (1, len(grid(card.width, card.height)[0]), 5 + len(card.labels))

    def infer(self, jpeg: bytes, background: bytes) -> Objects:
        """Return the objects in a frame; ``background`` is not used.

        Raises:
            BadPicture: the JPEG cannot be decoded.
            ModelFailed: the network cannot answer.
        """
        card = self._card
        picture = decode_colour(jpeg)
        rows, columns = picture.shape[:2]
        fitted, scale = letterbox(picture, card.width, card.height, card.fill)
        if card.colour == "rgb":
            fitted = fitted[:, :, ::-1]
        tensor = np.ascontiguousarray(fitted.transpose(2, 0, 1)[None], dtype=np.float32)
        if card.divide_by != 1:
            tensor /= np.float32(card.divide_by)
        raw = run_session(self._session, tensor, self._output)[0]
        size = np.array([columns, rows, columns, rows], np.float32)
        return decode(raw, card, np.float32(scale) * size)


def decode(raw: Floats, card: Card, size: Floats) -> Objects:
    """Return objects from the network's output [cells, 5 + classes].

    Args:
        raw: the output of one frame.
        card: thresholds and input size.
        size: [4], width, height, width, height of the fitted picture in input pixels.
    """
    cells, strides = grid(card.width, card.height)
    scores = raw[:, 4:5] * raw[:, 5:]
    labels = np.argmax(scores, axis=1)
    best = scores[np.arange(len(scores)), labels]
    found = np.flatnonzero(best >= np.float32(card.min_score))
    if not found.size:
        return NO_OBJECTS
    raw, best, labels = raw[found], best[found], labels[found]
    centres = (raw[:, :2] + cells[found]) * strides[found]
    halves = np.exp(raw[:, 2:4]) * strides[found] / np.float32(2)
    boxes = np.concatenate([centres - halves, centres + halves], axis=1)
    kept = suppress(boxes, best, labels, card.iou, card.max_objects)
    columns = (boxes[kept] / size, best[kept, None], labels[kept, None])
    return np.concatenate(columns, axis=1, dtype=np.float32)


@lru_cache(maxsize=8)
def grid(width: int, height: int) -> tuple[Floats, Floats]:
    """Return each cell's corner [cells, 2] in cells, and its stride [cells, 1] in pixels."""
    corners, strides = [], []
    for stride in STRIDES:
        rows, columns = height // stride, width // stride
        y, x = np.mgrid[:rows, :columns]
        corners.append(np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32))
        strides.append(np.full((rows * columns, 1), stride, np.float32))
    return np.concatenate(corners), np.concatenate(strides)
