"""A camera's picture with its sensors drawn into it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from schemas.site import AnySensor, LineSensor, SiteConfig, StationarySensor, ZoneSensor

Picture = NDArray[np.uint8]
Points = Sequence[tuple[float, float]]
Colour = tuple[int, int, int]

EMPTY_SIZE = (1280, 720)
_LEAST_WIDTH = 960
"""Smaller pictures are enlarged, so that what is written stays readable."""
_COLOURS: tuple[Colour, ...] = (
    (86, 180, 233)[::-1],
    (230, 159, 0)[::-1],
    (0, 158, 115)[::-1],
    (240, 228, 66)[::-1],
    (213, 94, 0)[::-1],
    (204, 121, 167)[::-1],
)
"""Okabe and Ito's set, told apart by the colour-blind too; blue first, as OpenCV wants it."""
_GREY: Colour = (150, 150, 150)
_WHITE: Colour = (255, 255, 255)
_BLACK: Colour = (0, 0, 0)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_sensors(picture: Picture | None, config: SiteConfig, camera: str) -> Picture:
    """Return a copy of ``picture`` [height, width, 3], blue first, with all that looks at it.

    Privacy polygons are black, ignored ones grey; a line's arrow points to where ``forward`` ends;
    sensors without a place stand in a list. None: no picture, drawn on an empty one.
    """
    canvas = _canvas(picture)
    settings = config.cameras[camera]
    for polygon in settings.ignore:
        _area(canvas, polygon, _GREY, 0.5)
        _write(canvas, "ignored", _centre(canvas, polygon), _GREY)
    for polygon in settings.privacy:
        _area(canvas, polygon, _BLACK, 1.0)
        _write(canvas, "privacy", _centre(canvas, polygon), _WHITE)
    if settings.ground is not None:
        _ground(canvas, settings.ground.image, settings.ground.metres)
    listed: list[str] = []
    mine = {name: one for name, one in config.sensors.items() if one.camera == camera}
    for index, (name, sensor) in enumerate(sorted(mine.items())):
        draw = _DRAWN.get(type(sensor))
        if draw is None or getattr(sensor, "points", None) is None:
            listed.append(f"{name}: {sensor.kind}")
        else:
            draw(canvas, name, sensor, _COLOURS[index % len(_COLOURS)])
    for index, line in enumerate([camera, *listed]):
        _write(canvas, line, (8, 8 + index * round(26 * _scale(canvas))), _WHITE, left=True)
    return canvas


def _canvas(picture: Picture | None) -> Picture:
    if picture is None:
        return np.full((EMPTY_SIZE[1], EMPTY_SIZE[0], 3), 60, np.uint8)
    height, width = picture.shape[:2]
    if width >= _LEAST_WIDTH:
        return picture.copy()
    size = (_LEAST_WIDTH, round(height * _LEAST_WIDTH / width))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def _line(canvas: Picture, name: str, sensor: LineSensor, colour: Colour) -> None:
    pixels = _pixels(canvas, sensor.points)
    thick = _thick(canvas)
    cv2.polylines(canvas, [pixels], False, colour, 2 * thick, cv2.LINE_AA)
    for (ax, ay), (bx, by) in pairwise(pixels.tolist()):
        length = math.hypot(bx - ax, by - ay)
        if length < 1:
            continue
        reach = 22 * _scale(canvas)
        middle = ((ax + bx) / 2, (ay + by) / 2)
        # The right-hand side on the screen, looking along the line: y grows downwards.
        tip = (
            round(middle[0] - (by - ay) / length * reach),
            round(middle[1] + (bx - ax) / length * reach),
        )
        start = (round(middle[0]), round(middle[1]))
        cv2.arrowedLine(canvas, start, tip, colour, thick, cv2.LINE_AA, tipLength=0.45)
    _write(canvas, _title(name, sensor), tuple(pixels[0].tolist()), colour)


def _polygon(
    canvas: Picture, name: str, sensor: ZoneSensor | StationarySensor, colour: Colour
) -> None:
    assert sensor.points is not None
    _area(canvas, sensor.points, colour, 0.25)
    _write(canvas, _title(name, sensor), _centre(canvas, sensor.points), colour)


_DRAWN: Mapping[type, Callable[[Picture, str, Any, Colour], None]] = {
    LineSensor: _line,
    ZoneSensor: _polygon,
    StationarySensor: _polygon,
}


def _title(name: str, sensor: AnySensor) -> str:
    classes = getattr(sensor, "classes", None)
    return f"{name} ({', '.join(classes)})" if classes else name


def _ground(canvas: Picture, image: Points, metres: Points) -> None:
    pixels = _pixels(canvas, image)
    cv2.polylines(canvas, [pixels], True, _WHITE, 1, cv2.LINE_AA)
    for place, (x, y) in zip(pixels.tolist(), metres, strict=True):
        cv2.circle(canvas, place, 2 * _thick(canvas), _WHITE, -1, cv2.LINE_AA)
        _write(canvas, f"{x:g} m, {y:g} m", (place[0], place[1]), _WHITE)


def _area(canvas: Picture, points: Points, colour: Colour, opacity: float) -> None:
    pixels = _pixels(canvas, points)
    filled = canvas.copy()
    cv2.fillPoly(filled, [pixels], colour)
    cv2.addWeighted(filled, opacity, canvas, 1 - opacity, 0, dst=canvas)
    cv2.polylines(canvas, [pixels], True, colour, _thick(canvas), cv2.LINE_AA)


def _pixels(canvas: Picture, points: Points) -> NDArray[np.int32]:
    height, width = canvas.shape[:2]
    return np.asarray(np.rint(np.asarray(points, float) * (width - 1, height - 1)), np.int32)


def _centre(canvas: Picture, points: Points) -> tuple[int, int]:
    x, y = _pixels(canvas, points).mean(axis=0)
    return round(float(x)), round(float(y))


def _scale(canvas: Picture) -> float:
    return canvas.shape[1] / EMPTY_SIZE[0]


def _thick(canvas: Picture) -> int:
    return max(1, round(2 * _scale(canvas)))


def _write(
    canvas: Picture, text: str, place: Sequence[int], colour: Colour, *, left: bool = False
) -> None:
    """Write at ``place``, inside the picture, on a dark ground; centred unless ``left``."""
    # The built-in font holds ASCII only.
    plain = text.encode("ascii", "replace").decode()
    scale = 0.6 * _scale(canvas)
    (width, height), below = cv2.getTextSize(plain, _FONT, scale, 1)
    x = place[0] if left else place[0] - width // 2
    x = min(max(3, x), max(3, canvas.shape[1] - width - 3))
    y = min(max(height + 3, place[1] + height // 2), canvas.shape[0] - below - 1)
    cv2.rectangle(canvas, (x - 3, y - height - 3), (x + width + 3, y + below), _BLACK, -1)
    bright = colour if max(colour) > 100 else _WHITE
    cv2.putText(canvas, plain, (x, y), _FONT, scale, bright, 1, cv2.LINE_AA)
