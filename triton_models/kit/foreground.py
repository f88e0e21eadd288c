"""Moving things without weights: what differs from the median of earlier frames.

Stateless: the answer depends on the frame and the thumbnails of the request alone.
"""

from __future__ import annotations

import cv2
import numpy as np

from triton_models.kit.background import Background, Floats, background_of, light_between, lit
from triton_models.kit.blobs import Blob, Box, blobs_of
from triton_models.kit.card import Card
from triton_models.kit.difference import blurred, stands_out
from triton_models.kit.objects import NO_OBJECTS, Objects
from triton_models.kit.picture import Grey, decode_grey
from triton_models.kit.thumbnails import WIDTH

_FULL_STRENGTH = 4.0
"""An object that stands out by so many limits on average has full contrast."""
_FULL_FILL = 0.5
"""A walker fills about this part of the box."""
_UNCOVERED = 1.5
"""Where the background has edges so much stronger than the frame, something has left."""
_SHIFT = 2
"""Pixels of a thumbnail by which a knocked camera may be off."""
_TEXTURE = 4.0
"""Grey levels of standard deviation below which ground counts as flat."""
_SAME = 0.85
"""Correlation above which two patterns are the same."""


class Foreground:
    """The model ``foreground``; see ``model.yaml`` beside it."""

    def __init__(self, card: Card) -> None:
        self._card = card

    def infer(self, jpeg: bytes, background: bytes) -> Objects:
        """Return what moves in a frame, given a block of thumbnails of earlier times.

        Raises:
            BadPicture, BadThumbnails: the request is damaged.
        """
        picture = decode_grey(jpeg, WIDTH)
        scene = background_of(background)
        # A source that changed its size has no history yet.
        if scene is None or scene.low.shape != picture.shape:
            return NO_OBJECTS
        return find_moving(picture, scene, self._card)


def find_moving(picture: Grey, scene: Background, card: Card) -> Objects:
    """Return the objects that move in a grey picture [rows, columns] before its background."""
    frame = picture.astype(np.float32)
    light = light_between(frame, (scene.low + scene.high) / np.float32(2))
    low, high = lit(scene.low, light), lit(scene.high, light)
    found = blobs_of(stands_out(frame, low, high, scene.spread))
    if not found:
        return NO_OBJECTS
    behind = (low + high) / np.float32(2)
    edges, edges_behind = edges_of(frame), edges_of(behind)
    rows = [
        (*blob.box, score_of(blob))
        for blob in found
        if not uncovered(blob.box, edges, edges_behind)
        and not same_pattern(blob.box, frame, behind)
    ]
    rows = sorted((row for row in rows if row[4] >= card.min_score), key=lambda r: (-r[4], r[:4]))
    height, width = picture.shape
    objects = np.zeros((min(len(rows), card.max_objects), 6), np.float32)
    for index, row in enumerate(rows[: card.max_objects]):
        objects[index, :5] = np.array(row) / (width, height, width, height, 1)
    return objects


def score_of(blob: Blob) -> float:
    """Return 0..1 from how much an object stands out and how well it fills its box."""
    contrast = min(1.0, (blob.strength - 1) / (_FULL_STRENGTH - 1))
    return contrast * min(1.0, blob.fill / _FULL_FILL)


def uncovered(box: Box, edges: Floats, edges_behind: Floats) -> bool:
    """Tell whether a box shows the place that something left, not the thing itself.

    A thing brings edges of its own; the ground that reappears has none where the median still
    shows the thing's outline.
    """
    x1, y1, x2, y2 = box
    window = np.s_[max(0, y1 - 1) : y2 + 1, max(0, x1 - 1) : x2 + 1]
    now, before = float(edges[window].sum()), float(edges_behind[window].sum())
    return before > _UNCOVERED * now


def same_pattern(box: Box, frame: Floats, behind: Floats) -> bool:
    """Tell whether a box shows the background's own texture, in another light or moved a little.

    So a shadow on textured ground, a lamp switched on, or a knock at the camera is no object. By
    normalised cross-correlation (Lewis 1995), which ignores gain and offset; flat ground has no
    texture to compare and is left to the other checks.
    """
    # The rim of a shadow is lit on one side and would outweigh the texture within.
    x1, y1, x2, y2 = within(box)
    patch = frame[y1:y2, x1:x2]
    around = np.pad(behind, _SHIFT, mode="edge")[y1 : y2 + 2 * _SHIFT, x1 : x2 + 2 * _SHIFT]
    if patch.std() < _TEXTURE or around.std() < _TEXTURE:
        return False
    return float(cv2.matchTemplate(around, patch, cv2.TM_CCOEFF_NORMED).max()) > _SAME


def within(box: Box) -> Box:
    """Return the box without its rim, an eighth of it on each side.

    >>> within((0, 0, 8, 16)), within((0, 0, 2, 2))
    ((1, 2, 7, 14), (0, 0, 2, 2))
    """
    x1, y1, x2, y2 = box
    rim_x, rim_y = (x2 - x1) // 8 or (x2 - x1 > 3), (y2 - y1) // 8 or (y2 - y1 > 3)
    return x1 + rim_x, y1 + rim_y, x2 - rim_x, y2 - rim_y


def edges_of(picture: Floats) -> Floats:
    """Return the strength of the gradient [rows, columns], by Scharr's operator."""
    smooth = blurred(picture)
    along = cv2.Scharr(smooth, cv2.CV_32F, 1, 0)
    down = cv2.Scharr(smooth, cv2.CV_32F, 0, 1)
    return np.asarray(cv2.magnitude(along, down), np.float32)
