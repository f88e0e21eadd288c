"""Every format reads back the boxes that were written down in it, and refuses what is not its own."""

from __future__ import annotations

import doctest
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triton_models.kit.card import Card
from triton_models.kit.formats import FORMATS
from triton_models.kit.formats.format import Misfit, Shape, best_classes, sigmoid, softmax
from triton_models.kit.formats.grid import grid
from triton_models.kit.labels import COCO_BY_ID

Floats = npt.NDArray[np.float32]
LABELS = ("person", "car", "dog")
SIDES = (96, 64)
BASE = Card(name="m", licence="MIT", decoding="", labels=LABELS, width=96, height=64)
MODULES = ("formats.classes", "formats.format", "formats.grid", "formats.yolo", "labels")


@dataclass(frozen=True)
class Thing:
    """One object in pixels of the input, and how it is found."""

    box: tuple[float, float, float, float]
    score: float
    label: int

    @property
    def centre(self) -> Floats:
        x1, y1, x2, y2 = self.box
        return np.array([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1], np.float32)


Writer = Callable[[Sequence[Thing]], list[Floats]]


def logit(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))


def cell_of(thing: Thing, strides: tuple[int, ...], stride: int) -> tuple[int, Floats]:
    """The row of the cell with the thing's centre on one level, and its corner in pixels."""
    cells, steps = grid(*SIDES, strides)
    at = np.floor(thing.centre[:2] / stride)
    (row,) = np.flatnonzero((steps[:, 0] == stride) & (cells == at).all(axis=1))
    return int(row), cells[row]


def yolox(things: Sequence[Thing]) -> list[Floats]:
    strides = (8, 16, 32)
    raw = np.zeros((len(grid(*SIDES, strides)[0]), 8), np.float32)
    for thing in things:
        row, corner = cell_of(thing, strides, 8)
        raw[row, :2] = thing.centre[:2] / 8 - corner
        raw[row, 2:4] = np.log(thing.centre[2:] / 8)
        raw[row, 4], raw[row, 5 + thing.label] = 0.9, thing.score / 0.9
    return [raw]


def yolo_with_objectness(things: Sequence[Thing]) -> list[Floats]:
    raw = np.zeros((378, 8), np.float32)
    for row, thing in enumerate(things, 100):
        raw[row, :4], raw[row, 4] = thing.centre, 0.9
        raw[row, 5 + thing.label] = thing.score / 0.9
    return [raw]


def yolo_by_columns(things: Sequence[Thing]) -> list[Floats]:
    raw = np.zeros((7, 126), np.float32)
    for column, thing in enumerate(things, 50):
        raw[:4, column], raw[4 + thing.label, column] = thing.centre, thing.score
    return [raw]


def yolo_finished(things: Sequence[Thing]) -> list[Floats]:
    raw = np.zeros((300, 6), np.float32)
    for row, thing in enumerate(things):
        raw[row] = (*thing.box, thing.score, thing.label)
    return [raw]


def nanodet(strides: tuple[int, ...], middle: float) -> Writer:
    def write(things: Sequence[Thing]) -> list[Floats]:
        raw = np.zeros((len(grid(*SIDES, strides)[0]), 3 + 4 * 8), np.float32)
        for thing in things:
            row, corner = cell_of(thing, strides, 16)
            raw[row, thing.label] = thing.score
            x, y = (corner + middle) * 16
            x1, y1, x2, y2 = thing.box
            for side, distance in enumerate((x - x1, y - y1, x2 - x, y2 - y)):
                low, part = divmod(distance / 16, 1)
                bins = np.full(8, -40.0)
                bins[int(low)] = np.log(max(1 - part, 1e-9))
                bins[int(low) + 1] = np.log(max(part, 1e-9))
                raw[row, 3 + 8 * side : 11 + 8 * side] = bins
        return [raw]

    return write


def nanodet_by_level(things: Sequence[Thing]) -> list[Floats]:
    (raw,) = nanodet((8, 16, 32), 0.5)(things)
    levels = np.split(raw, [96, 120])
    return [level[:, :3] for level in levels] + [level[:, 3:] for level in levels]


def fastestdet(things: Sequence[Thing]) -> list[Floats]:
    raw = np.zeros((8, 4, 6), np.float32)
    for thing in things:
        x, y, width, height = thing.centre
        column, row = int(x // 16), int(y // 16)
        raw[1, row, column] = np.arctanh(x / 16 - column)
        raw[2, row, column] = np.arctanh(y / 16 - row)
        raw[3:5, row, column] = logit(width / SIDES[0]), logit(height / SIDES[1])
        raw[0, row, column] = raw[5 + thing.label, row, column] = thing.score
    return [raw]


def queries(things: Sequence[Thing], width: int, empty: float) -> tuple[Floats, Floats]:
    classes, boxes = np.full((20, width), empty, np.float32), np.zeros((20, 4), np.float32)
    for row, thing in enumerate(things, 7):
        boxes[row] = thing.centre / np.array(SIDES * 2)
    return classes, boxes


def detr_softmax(things: Sequence[Thing]) -> list[Floats]:
    classes, boxes = queries(things, 4, -30)
    classes[:, 3] = 0
    for row, thing in enumerate(things, 7):
        classes[row, thing.label] = logit(thing.score)
    return [classes, boxes]


def detr_sigmoid(things: Sequence[Thing]) -> list[Floats]:
    classes, boxes = queries(things, 3, -30)
    for row, thing in enumerate(things, 7):
        classes[row, thing.label] = logit(thing.score)
    return [boxes, classes]


def detr_in_one(things: Sequence[Thing]) -> list[Floats]:
    classes, boxes = queries(things, 3, 0)
    for row, thing in enumerate(things, 7):
        classes[row, thing.label] = thing.score
    return [np.concatenate([boxes, classes], axis=1)]


def detr_deployed(things: Sequence[Thing]) -> list[Floats]:
    labels, boxes, scores = np.zeros(20), np.zeros((20, 4)), np.zeros(20)
    for row, thing in enumerate(things, 7):
        labels[row], boxes[row], scores[row] = thing.label, thing.box, thing.score
    return [each.astype(np.float32) for each in (labels, boxes, scores)]


WRITERS: dict[str, tuple[str, Writer]] = {
    "yolox": ("yolox", yolox),
    "yolo v5": ("yolo", yolo_with_objectness),
    "yolo v8": ("yolo", yolo_by_columns),
    "yolo v10": ("yolo", yolo_finished),
    "nanodet": ("nanodet", nanodet((8, 16, 32), 0.5)),
    "nanodet by level": ("nanodet", nanodet_by_level),
    "nanodet-plus": ("nanodet", nanodet((8, 16, 32, 64), 0.0)),
    "fastestdet": ("fastestdet", fastestdet),
    "detr": ("detr", detr_softmax),
    "rt-detr": ("detr", detr_sigmoid),
    "rt-detr in one": ("detr", detr_in_one),
    "rt-detr deployed": ("detr", detr_deployed),
}


@st.composite
def things(draw: st.DrawFn) -> list[Thing]:
    """Up to four things, each with its centre in another tile of 32 pixels."""
    tiles = draw(st.lists(st.sampled_from(range(6)), max_size=4, unique=True))
    found = []
    for tile in tiles:
        x = 32 * (tile % 3) + draw(st.floats(2, 14))
        y = 32 * (tile // 3) + draw(st.floats(2, 14))
        width, height = draw(st.floats(34, 60)), draw(st.floats(34, 60))
        box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        found.append(Thing(box, draw(st.floats(0.11, 0.89)), draw(st.sampled_from(range(3)))))
    return found


@pytest.mark.parametrize("name", WRITERS)
@settings(deadline=None, max_examples=40)
@given(written=things())
def test_what_was_written_is_read(name: str, written: list[Thing]) -> None:
    decoding, write = WRITERS[name]
    card = replace(BASE, decoding=decoding)
    outputs = write(written)
    classes = FORMATS[decoding].classes([output.shape for output in outputs], card)
    assert classes in (3, None)
    found = FORMATS[decoding].decode(outputs, card)
    assert found.boxes.shape == (len(written), 4) and found.boxes.dtype == np.float32
    for thing in written:
        nearest = np.abs(found.boxes - np.array(thing.box)).max(axis=1)
        row = int(nearest.argmin())
        assert nearest[row] < 0.05
        assert found.scores[row] == pytest.approx(thing.score, abs=1e-3)
        assert found.labels[row] == thing.label


@pytest.mark.parametrize("name", WRITERS)
def test_weak_ones_are_left_out(name: str) -> None:
    decoding, write = WRITERS[name]
    outputs = write([Thing((10, 10, 50, 50), 0.3, 1)])
    for least, count in ((0.29, 1), (0.31, 0)):
        card = replace(BASE, decoding=decoding, min_score=least)
        assert len(FORMATS[decoding].decode(outputs, card).scores) == count


@pytest.mark.parametrize(
    ("decoding", "shapes"),
    [
        ("yolox", [(126, 5)]),
        ("yolox", [(125, 8)]),
        ("yolox", [(126, 8), (126, 8)]),
        ("yolox", [(8, 4, 6)]),
        ("yolo", [(4, 126)]),
        ("yolo", [(25200, 5)]),
        ("yolo", [(1,)]),
        ("nanodet", [(126, 32)]),
        ("nanodet", [(125, 35)]),
        ("nanodet", [(96, 80), (24, 80), (6, 80), (96, 32), (24, 32)]),
        ("nanodet", [(126,)]),
        ("nanodet", []),
        ("nanodet", [(126, 35), (128, 35)]),
        ("fastestdet", [(5, 4, 6)]),
        ("fastestdet", [(126, 8)]),
        ("detr", [(300, 4)]),
        ("detr", [(3549, 85)]),
        ("detr", []),
        ("detr", [(300, 80)] * 2),
        ("detr", [(300, 80), (299, 4)]),
        ("detr", [(300, 80), (300, 4), (300,)]),
        ("detr", [(300,), (299, 4), (300,)]),
        ("detr", [(300,)]),
    ],
)
def test_other_shapes_are_refused_with_what_is_wanted(decoding: str, shapes: list[Shape]) -> None:
    unknown = replace(BASE, decoding=decoding, labels=())
    with pytest.raises(Misfit, match=r"\[1, "):
        FORMATS[decoding].classes(shapes, unknown)


@pytest.mark.parametrize(
    ("decoding", "shapes", "classes"),
    [
        ("yolox", [(126, 85)], 80),
        ("yolo", [(25200, 85)], 80),
        ("yolo", [(84, 8400)], 80),
        ("yolo", [(5, 126)], 1),
        ("yolo", [(25200, 6)], 1),
        ("yolo", [(300, 6)], None),
        ("nanodet", [(126, 112)], 80),
        ("nanodet", [(128, 33)], 1),
        ("nanodet", [(96, 80), (24, 80), (6, 80), (96, 32), (24, 32), (6, 32)], 80),
        ("nanodet", [(96, 80), (96, 32), (24, 80), (24, 32), (6, 80), (6, 32)], 80),
        ("fastestdet", [(85, 22, 22)], 80),
        ("detr", [(300, 84)], 80),
        ("detr", [(300, 80), (300, 4)], 80),
        ("detr", [(300, 4), (300, 91)], 91),
        ("detr", [(100, 92), (100, 4)], len(COCO_BY_ID)),
        ("detr", [(300,), (300, 4), (300,)], None),
    ],
)
def test_the_number_of_classes_is_told_without_labels(
    decoding: str, shapes: list[Shape], classes: int | None
) -> None:
    unknown = replace(BASE, decoding=decoding, labels=())
    assert FORMATS[decoding].classes(shapes, unknown) == classes


def test_labels_tell_other_distributions_of_nanodet() -> None:
    card = replace(BASE, decoding="nanodet")
    assert FORMATS["nanodet"].classes([(126, 3 + 4 * 11)], card) == 3


@given(st.lists(st.floats(-200, 200, width=32), min_size=2, max_size=9))
def test_probabilities_are_probabilities(logits: list[float]) -> None:
    values = np.array([logits], np.float32)
    assert ((sigmoid(values) >= 0) & (sigmoid(values) <= 1)).all()
    assert softmax(values).sum() == pytest.approx(1, abs=1e-5)
    assert best_classes(sigmoid(values), 0.0)[2] == [int(np.argmax(sigmoid(values)))]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"triton_models.kit.{name}"))
    assert result.attempted > 0 and result.failed == 0
