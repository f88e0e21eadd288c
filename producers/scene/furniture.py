"""What stands before the wall: windows, a door, shrubs, and a poster with a person on it."""

from __future__ import annotations

import math

import cv2
import numpy as np

from producers.scene.figure import Look, Pose, figure
from producers.scene.shapes import Colour, Picture, paint, shaded
from producers.scene.textures import cloudy

POSTER = (468, 8, 512, 76)
"""x1, y1, x2, y2 in pixels: a detector of persons may take it for one, and must not alarm."""

_WINDOWS = ((96, 14), (176, 14), (384, 14))
_WINDOW_SIZE = (44, 42)
_DOOR = (276, 18, 314, 84)
_SHRUBS = ((-4, 30), (52, 24), (236, 19), (352, 17), (560, 27), (612, 34), (650, 30))
"""Middle column and size, pixels."""
_SHRUB_ROW = 84
_LAMP = (20, 186)
_MODEL = Look(
    stature=1.0,
    jacket=(52, 46, 178),
    trousers=(92, 58, 38),
    hair=(24, 40, 62),
    skin=(150, 182, 226),
    bag=None,
)


def furnish(picture: Picture, random: np.random.Generator) -> None:
    """Draw all of it into a picture."""
    for left, top in _WINDOWS:
        _window(picture, left, top)
    _door(picture)
    _poster(picture)
    for middle, size in _SHRUBS:
        _shrub(picture, middle, size, random)
    _lamp(picture)


def _window(picture: Picture, left: int, top: int) -> None:
    width, height = _WINDOW_SIZE
    right, bottom = left + width, top + height
    cv2.rectangle(picture, (left - 4, bottom), (right + 4, bottom + 4), (150, 160, 166), -1)
    cv2.rectangle(picture, (left, top), (right, bottom), (206, 210, 210), -1)
    for pane in range(2):
        x = left + 3 + pane * (width // 2 - 1)
        glass = picture[top + 3 : bottom - 2, x : x + width // 2 - 4]
        fall = np.linspace(118, 66, glass.shape[0])[:, None, None]
        glass[:] = np.clip(fall * np.array((1.05, 0.98, 0.88)), 0, 255).astype(np.uint8)
        shine = ((x + 3, bottom - 6), (x + width // 2 - 8, top + 8))
        cv2.line(picture, *shine, (132, 126, 116), 2, cv2.LINE_AA)


def _door(picture: Picture) -> None:
    x1, y1, x2, y2 = _DOOR
    cv2.rectangle(picture, (x1 - 4, y1 - 4), (x2 + 4, y2), (186, 194, 198), -1)
    cv2.rectangle(picture, (x1, y1), (x2, y2), (84, 70, 40), -1)
    for top in (y1 + 6, y1 + 36):
        cv2.rectangle(picture, (x1 + 6, top), (x2 - 6, top + 22), (70, 58, 32), -1)
        cv2.rectangle(picture, (x1 + 6, top), (x2 - 6, top + 22), (104, 90, 58), 1)
    cv2.circle(picture, (x2 - 4, y1 + 34), 2, (120, 190, 210), -1, cv2.LINE_AA)
    cv2.rectangle(picture, (x1 - 10, y2 - 3), (x2 + 10, y2), (150, 156, 158), -1)


def _poster(picture: Picture) -> None:
    x1, y1, x2, y2 = POSTER
    cv2.rectangle(picture, (x1 - 3, y1 - 3), (x2 + 2, y2 + 2), (52, 50, 48), -1)
    fall = np.linspace(0.0, 1.0, y2 - y1)[:, None, None]
    high, low = np.array((214, 186, 128)), np.array((222, 224, 206))
    picture[y1:y2, x1:x2] = (high + fall * (low - high)).astype(np.uint8)
    pose = Pose(
        foot=((x1 + x2) / 2 - 2, y2 - 12.0),
        height=y2 - y1 - 16.0,
        phase=0.9 * math.pi / 2,
        stride=0.7,
        facing=1,
    )
    paint(picture, figure(_MODEL, pose))
    for row, width in ((y2 - 8, 34), (y2 - 4, 24)):
        left = (x1 + x2 - width) // 2
        cv2.line(picture, (left, row), (left + width, row), (64, 58, 54), 1)


def _shrub(picture: Picture, middle: int, size: int, random: np.random.Generator) -> None:
    green: Colour = (38, 74, 50)
    for leaf in range(26 * size):
        angle, reach = random.uniform(0, math.pi), size * math.sqrt(random.uniform())
        x = round(middle + 1.15 * reach * math.cos(angle))
        y = round(_SHRUB_ROW + 4 - 1.25 * reach * math.sin(angle))
        # Leaves drawn later lie in front and further out in the light.
        light = 0.55 + 0.55 * leaf / (26 * size) + random.uniform(-0.12, 0.12)
        cv2.circle(picture, (x, y), int(random.integers(1, 3)), shaded(green, light), -1)


def _lamp(picture: Picture) -> None:
    column, row = _LAMP
    cv2.ellipse(picture, (column, row), (9, 3), 0, 0, 360, (62, 84, 70), -1, cv2.LINE_AA)
    cv2.line(picture, (column, row), (column, 24), (58, 60, 60), 4, cv2.LINE_AA)
    cv2.line(picture, (column - 1, row), (column - 1, 24), (98, 100, 100), 1, cv2.LINE_AA)
    cv2.line(picture, (column, 24), (column + 22, 18), (58, 60, 60), 3, cv2.LINE_AA)
    cv2.ellipse(picture, (column + 27, 19), (10, 4), -8, 0, 360, (66, 68, 68), -1, cv2.LINE_AA)
    cv2.ellipse(picture, (column + 27, 21), (8, 2), -8, 0, 360, (196, 222, 228), -1, cv2.LINE_AA)


def leaves_on_ground(picture: Picture, random: np.random.Generator) -> None:
    """Scatter fallen leaves and daisies over the lawns."""
    rows, columns = picture.shape[:2]
    patches = cloudy(random, rows, columns, 45)
    for _ in range(420):
        x, y = int(random.integers(columns)), int(random.integers(_SHRUB_ROW + 60, rows))
        blue, green, red = (int(part) for part in picture[y, x])
        if green > 1.15 * red and green > 1.25 * blue and patches[y, x] > 0:
            colour = (196, 214, 216) if random.uniform() < 0.4 else (58, 104, 128)
            cv2.circle(picture, (x, y), 1, colour, -1, cv2.LINE_AA)
