"""Detectors on footage: boxes that others published for it, and the people who are in it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import av
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.inference.answer import Answer
from streams.inference.local import LocalModel
from tests.fixtures import fixture
from tests.unit.streams.inference.scenes import jpeg
from triton_models.kit.nms import overlap, suppress

Floats = npt.NDArray[np.float32]
Heap = tuple[Floats, Floats, npt.NDArray[np.intp]]

SIZE = np.array([768, 576, 768, 576], np.float32)


@st.composite
def boxes(draw: st.DrawFn) -> Heap:
    count = draw(st.integers(0, 150))
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    corner, side = random.random((count, 2)) * 4, random.random((count, 2)) * 3
    both = np.concatenate([corner, corner + side], axis=1).astype(np.float32)
    scores = np.round(random.random(count), 1).astype(np.float32)
    return both, scores, random.integers(0, 2, count).astype(np.intp)


@settings(deadline=None)
@given(boxes(), st.floats(0.1, 0.9))
def test_suppression_keeps_the_best_of_each_heap(given_boxes: Heap, iou: float) -> None:
    found, scores, labels = given_boxes
    kept = suppress(found, scores, labels, iou, 200)
    assert scores[kept].tolist() == sorted(scores[kept].tolist(), reverse=True)
    for place, one in enumerate(kept):
        others = kept[place + 1 :]
        others = others[labels[others] == labels[one]]
        assert not (overlap(found[one], found[others]) > iou).any()
    for one in set(range(len(found))) - set(kept.tolist()):
        better = kept[(labels[kept] == labels[one]) & (scores[kept] >= scores[one])]
        assert (overlap(found[one], found[better]) > iou).any()


def frames(count: int, step: int) -> Iterator[tuple[int, bytes]]:
    """Every ``step``-th frame of PETS as number (from 1) and JPEG."""
    with av.open(str(fixture("videos/vtest_480x360_10fps.mp4"))) as container:
        for index, picture in enumerate(container.decode(video=0)):
            if index >= count * step:
                return
            if index % step == 0:
                pixels = np.asarray(picture.to_ndarray(format="bgr24"), np.uint8)
                yield index + 1, jpeg(pixels, 95)


def people_in(answer: Answer, least: float) -> Floats:
    """Boxes [n, 4] of the people in an answer, in pixels of the annotations."""
    boxes: Floats = np.array(answer.boxes, np.float32).reshape(-1, 4) * SIZE
    kept = [
        label == "person" and score >= least
        for label, score in zip(answer.labels, answer.scores, strict=True)
    ]
    found: Floats = boxes[np.array(kept, bool)]
    return found


def test_yolox_agrees_with_the_published_boxes() -> None:
    path = fixture("det/PETS09-S2L1/yolox_nano_on_vtest480_score0.1_768x576coords.json")
    published = json.loads(path.read_text(encoding="utf-8"))
    model = LocalModel("yolox", fixture("models/yolox_nano.onnx"))
    compared = agreed = 0
    for number, encoded in frames(6, 20):
        theirs = np.array(published[str(number)], np.float32)[:, :4]
        for box in people_in(model.infer(encoded), 0.3):
            compared += 1
            agreed += bool((overlap(box, theirs) > 0.8).any())
    assert compared > 15 and agreed >= 0.9 * compared


@pytest.mark.parametrize(
    ("name", "weights", "recall"),
    [("yolox", "yolox_nano.onnx", 0.85), ("fastestdet", "FastestDet.onnx", 0.6)],
)
def test_people_are_found(name: str, weights: str, recall: float) -> None:
    rows = np.loadtxt(fixture("gt/PETS09-S2L1/gt.txt"), delimiter=",")
    model = LocalModel(name, fixture(f"models/{weights}"))
    there = found = 0
    for number, encoded in frames(20, 30):
        people = people_in(model.infer(encoded), 0.3)
        for row in rows[(rows[:, 0] == number) & (rows[:, 6] > 0)]:
            box = np.array([row[2], row[3], row[2] + row[4], row[3] + row[5]], np.float32)
            there += 1
            found += bool((overlap(box, people) > 0.5).any())
    assert there > 80 and found >= recall * there, f"{found} of {there}"
