"""YOLOX: its grid, its boxes, and the boxes that others published for the same footage."""

from __future__ import annotations

import json

import av
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.inference.cards import included_card, read_card
from streams.inference.local import LocalModel
from tests.fixtures import fixture
from tests.unit.streams.inference.scenes import jpeg
from triton_models.kit.letterbox import letterbox
from triton_models.kit.nms import overlap, suppress
from triton_models.kit.yolox import decode, grid

Floats = npt.NDArray[np.float32]
Heap = tuple[Floats, Floats, npt.NDArray[np.intp]]

CARD = read_card(included_card("yolox"), "yolox")
SIZE = np.array([768, 576, 768, 576], np.float32)
CELLS = 52 * 52 + 26 * 26 + 13 * 13


def raw_for(box: tuple[float, float, float, float], stride: int, label: int) -> Floats:
    """The network's output that holds one box (pixels of the input) and nothing else."""
    raw = np.zeros((CELLS, 85), np.float32)
    x, y = (box[0] + box[2]) / 2 / stride, (box[1] + box[3]) / 2 / stride
    cells, strides = grid(416, 416)
    (cell,) = np.flatnonzero(
        (strides[:, 0] == stride) & (cells[:, 0] == int(x)) & (cells[:, 1] == int(y))
    )
    raw[cell, :2] = x - int(x), y - int(y)
    raw[cell, 2:4] = np.log([(box[2] - box[0]) / stride, (box[3] - box[1]) / stride])
    raw[cell, 4], raw[cell, 5 + label] = 0.9, 0.8
    return raw


@pytest.mark.parametrize("stride", [8, 16, 32])
def test_a_box_is_decoded_from_its_cell(stride: int) -> None:
    box = (100.0, 40.0, 180.0, 200.0)
    size = np.array([416, 234, 416, 234], np.float32)
    (found,) = decode(raw_for(box, stride, 2), CARD, size)
    assert found[:4] * size == pytest.approx(box, abs=1e-3)
    assert found[4] == pytest.approx(0.72) and CARD.labels[int(found[5])] == "car"


def test_weak_boxes_are_left_out() -> None:
    raw = raw_for((10, 10, 50, 50), 8, 0)
    raw[:, 4] *= 0.1 / 0.72 - 0.001
    assert len(decode(raw, CARD, np.full(4, 416, np.float32))) == 0


def test_the_picture_is_fitted_at_the_top_left() -> None:
    picture = np.full((360, 640, 3), 9, np.uint8)
    fitted, scale = letterbox(picture, 416, 416, 114)
    assert scale == 0.65
    assert (fitted[:234] == 9).all() and (fitted[234:] == 114).all()


@st.composite
def boxes(draw: st.DrawFn) -> Heap:
    count = draw(st.integers(0, 25))
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    corner, side = random.random((count, 2)) * 4, random.random((count, 2)) * 3
    both = np.concatenate([corner, corner + side], axis=1).astype(np.float32)
    scores = np.round(random.random(count), 1).astype(np.float32)
    return both, scores, random.integers(0, 2, count).astype(np.intp)


@settings(deadline=None)
@given(boxes(), st.floats(0.1, 0.9))
def test_suppression_keeps_the_best_of_each_heap(given_boxes: Heap, iou: float) -> None:
    found, scores, labels = given_boxes
    kept = suppress(found, scores, labels, iou, 100)
    assert scores[kept].tolist() == sorted(scores[kept].tolist(), reverse=True)
    for place, one in enumerate(kept):
        others = kept[place + 1 :]
        others = others[labels[others] == labels[one]]
        assert not (overlap(found[one], found[others]) > iou).any()
    for one in set(range(len(found))) - set(kept.tolist()):
        better = kept[(labels[kept] == labels[one]) & (scores[kept] >= scores[one])]
        assert (overlap(found[one], found[better]) > iou).any()


def test_boxes_agree_with_the_published_ones() -> None:
    path = fixture("det/PETS09-S2L1/yolox_nano_on_vtest480_score0.1_768x576coords.json")
    published = json.loads(path.read_text(encoding="utf-8"))
    model = LocalModel("yolox", fixture("models/yolox_nano.onnx"))
    compared = agreed = 0
    with av.open(str(fixture("videos/vtest_480x360_10fps.mp4"))) as container:
        for index, picture in enumerate(container.decode(video=0)):
            if index > 100:
                break
            if index % 20:
                continue
            answer = model.infer(jpeg(np.asarray(picture.to_ndarray(format="bgr24"), np.uint8), 95))
            people = [
                np.array(answer.boxes[4 * i : 4 * i + 4], np.float32) * SIZE
                for i, label in enumerate(answer.labels)
                if label == "person" and answer.scores[i] >= 0.3
            ]
            theirs = np.array(published[str(index + 1)], np.float32)[:, :4]
            for box in people:
                compared += 1
                agreed += bool((overlap(box, theirs) > 0.8).any())
    assert compared > 15 and agreed >= 0.9 * compared
