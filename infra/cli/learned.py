"""What the filter has learned of a camera, as a table and as a picture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from streams.core.learning.perspective import expected_height
from streams.core.learning.place import COLUMNS, ROWS, Learned

Picture = NDArray[np.uint8]
_EMPTY = (720, 1280, 3)
_LEAST_WIDTH = 960
_STANDS, _SIZE, _SAID = (0, 94, 213), (233, 180, 86), (66, 228, 240)
"""Blue first: vermilion, sky blue, yellow of Okabe and Ito's set."""
_DARKEST = 0.7
_MANY = 10
"""Tracks from which on a cell is as dark as it gets."""


def table_of(learned: Learned) -> Table:
    """Return every cell, every class's sizes and every word."""
    table = Table("what", "class", "where", "how much")
    for name, cell in sorted(learned.cells.items()):
        class_name, column, row = name.rsplit("/", 2)
        x, y = (int(column) + 0.5) / COLUMNS, (int(row) + 0.5) / ROWS
        much = f"{cell.tracks:.1f} tracks in {cell.hours} hours"
        table.add_row("stood still", class_name, f"{x:.2f}, {y:.2f}", much)
    for class_name, sizes in sorted(learned.sizes.items()):
        samples = [sample for found in sizes.rows.values() for sample in found]
        feet = [foot for foot, _ in samples]
        for foot in (min(feet), max(feet)):
            expected = expected_height(learned, class_name, foot)
            much = "too few yet" if expected is None else f"{expected.height:.3f} tall"
            table.add_row(f"size ({len(samples)} seen)", class_name, f"y {foot:.2f}", much)
    for word in learned.words:
        what = f"said of rule {word.rule}"
        much = f"{word.count} dismissals less confirmations, {word.height:.3f} tall"
        table.add_row(what, word.class_name, f"{word.x:.2f}, {word.y:.2f}", much)
    return table


def draw_learned(picture: Picture | None, learned: Learned) -> Picture:
    """Return a copy of ``picture`` [height, width, 3], blue first, with what was learned in it.

    Vermilion cells: things stood there unmoved, the darker the more. Sky blue bars: how tall a
    thing is with its foot there. Yellow circles: operators' words, with their count.
    """
    canvas = np.full(_EMPTY, 60, np.uint8) if picture is None else picture.copy()
    if canvas.shape[1] < _LEAST_WIDTH:
        size = (_LEAST_WIDTH, round(canvas.shape[0] * _LEAST_WIDTH / canvas.shape[1]))
        canvas = np.asarray(cv2.resize(canvas, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    height, width = canvas.shape[:2]
    for name, cell in learned.cells.items():
        _, column, row = name.rsplit("/", 2)
        left, top = int(column) * width // COLUMNS, int(row) * height // ROWS
        right, bottom = left + width // COLUMNS, top + height // ROWS
        part = canvas[top:bottom, left:right]
        opacity = _DARKEST * min(1.0, cell.tracks / _MANY)
        part[:] = (part * (1 - opacity) + np.array(_STANDS) * opacity).astype(np.uint8)
        cv2.rectangle(canvas, (left, top), (right, bottom), _STANDS, 1)
    for index, (class_name, sizes) in enumerate(sorted(learned.sizes.items())):
        for row_index in sorted(sizes.rows):
            foot = (row_index + 0.5) / ROWS
            expected = expected_height(learned, class_name, foot)
            if expected is not None:
                x = 20 + 40 * index + 6 * (row_index % 3)
                ends = (x, round(foot * height)), (x, round((foot - expected.height) * height))
                cv2.line(canvas, *ends, _SIZE, 2, cv2.LINE_AA)
        _write(canvas, class_name, (12 + 40 * index, height - 12), _SIZE)
    for word in learned.words:
        place = (round(word.x * width), round(word.y * height))
        cv2.circle(canvas, place, max(6, round(word.height * height / 4)), _SAID, 2, cv2.LINE_AA)
        _write(canvas, f"{word.rule} {word.count:+d}", place, _SAID)
    return canvas


def _write(
    canvas: Picture, text: str, place: tuple[int, int], colour: tuple[int, int, int]
) -> None:
    for ink, thick in (((0, 0, 0), 3), (colour, 1)):
        cv2.putText(canvas, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, ink, thick, cv2.LINE_AA)
