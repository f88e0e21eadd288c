"""A detector whole: what is fitted into the input comes back where it was in the frame."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.streams.inference.scenes import jpeg
from tests.unit.triton_models.networks import Numbers, Side, constant
from triton_models.kit.build import build
from triton_models.kit.card import Card
from triton_models.kit.detector import objects_in, prepare
from triton_models.kit.letterbox import Fit, letterbox
from triton_models.kit.objects import ModelFailed
from triton_models.kit.session import BadModelFile, open_session

CARD = Card(name="m", licence="MIT", decoding="yolo", labels=("person", "car"), width=64, height=64)
FINISHED = np.zeros((300, 6), np.float32)
FINISHED[0] = 0, 0, 64, 32, 0.9, 1
FINISHED[1] = 16, 0, 48, 32, 0.5, 0
FRAME = jpeg(np.full((50, 100, 3), 200, np.uint8))


@pytest.mark.parametrize(
    ("fit", "first"),
    [("top-left", (0, 0, 1, 1)), ("centre", (0, -0.5, 1, 0.5)), ("stretch", (0, 0, 1, 0.5))],
)
def test_boxes_are_given_back_in_the_frame(
    tmp_path: Path, fit: Fit, first: tuple[float, ...]
) -> None:
    model = build(replace(CARD, fit=fit), constant(tmp_path / "m.onnx", [FINISHED]))
    found = model.infer(FRAME, b"")
    assert found[0].tolist() == pytest.approx([*first, 0.9, 1])
    assert found[1, :4].tolist() == pytest.approx([0.25, first[1], 0.75, first[3]])


@settings(deadline=None)
@given(
    st.sampled_from(get_args(Fit)),
    st.integers(1, 300),
    st.integers(1, 300),
    st.tuples(st.integers(1, 8), st.integers(1, 8)),
)
def test_the_placement_is_where_the_picture_lies(
    fit: Fit, columns: int, rows: int, input_size: tuple[int, int]
) -> None:
    width, height = 32 * input_size[0], 32 * input_size[1]
    picture = np.full((rows, columns, 3), 250, np.uint8)
    fitted, (wide, high, left, top) = letterbox(picture, width, height, fit, 3)
    assert fitted.shape == (height, width, 3)
    y, x = np.nonzero(fitted[:, :, 0] == 250)
    assert (x.min(), y.min()) == (left, top)
    assert x.max() + 1 == pytest.approx(left + wide, abs=1.01)
    assert y.max() + 1 == pytest.approx(top + high, abs=1.01)
    assert fit == "stretch" or wide / high == pytest.approx(columns / rows, rel=1e-5)
    assert left >= 0 and top >= 0 and left + wide <= width + 1e-3 and top + high <= height + 1e-3


def test_the_input_is_normalised_as_the_card_says() -> None:
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:] = 10, 20, 30
    plain, _ = prepare(picture, CARD)
    assert plain[:, 5, 5].tolist() == [10, 20, 30] and plain.flags.c_contiguous
    card = replace(CARD, colour="rgb", divide_by=10.0, mean=(1.0, 1.0, 0.5), std=(2.0, 1.0, 0.5))
    changed, _ = prepare(picture, card)
    assert changed[:, 5, 5].tolist() == [1.0, 1.0, 1.0]


def test_a_class_without_a_label_is_an_error_not_a_guess() -> None:
    placement = np.array([64, 64, 0, 0], np.float32)
    with pytest.raises(ModelFailed, match="class 1, and the card has 1 labels"):
        objects_in([FINISHED], replace(CARD, labels=("person",)), placement)


def test_an_open_size_and_open_outputs_are_found_by_running(tmp_path: Path) -> None:
    size: tuple[Side, Side] = ("width", "height")
    path = constant(
        tmp_path / "m.onnx", [FINISHED], size=size, batch="batch", channels="c", told=False
    )
    assert len(build(CARD, path).infer(FRAME, b"")) == 2
    assert open_session(path, (64, 64)).shapes == ((300, 6),)
    with pytest.raises(BadModelFile, match="size of its input open"):
        _ = open_session(path).shapes


@pytest.mark.parametrize(
    ("change", "outputs", "said"),
    [
        ({"width": 96}, [FINISHED], r"images \[1, 3, 64, 64\].*asks for 96x64"),
        ({"decoding": "yolox"}, [FINISHED], r"is \[1, 300, 6\]; the format yolox wants one output"),
        ({"decoding": "detr"}, [FINISHED] * 2, r"is \[1, 300, 6\] and \[1, 300, 6\]"),
        ({}, [np.zeros((9, 84), np.float32)], "tells 5 classes apart, and its card asks for 2"),
    ],
)
def test_a_file_that_does_not_fit_its_card_is_refused(
    tmp_path: Path,
    change: dict[str, object],
    outputs: list[npt.NDArray[np.float32]],
    said: str,
) -> None:
    path = constant(tmp_path / "m.onnx", outputs)
    with pytest.raises(BadModelFile, match=said):
        build(replace(CARD, **change), path)  # type: ignore[arg-type]


def test_what_takes_no_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadModelFile, match=r"\[1, 4, 64, 64\].*a detector's is"):
        build(CARD, constant(tmp_path / "m.onnx", [FINISHED], channels=4))
    (tmp_path / "m.onnx").write_bytes(b"not ONNX")
    with pytest.raises(BadModelFile, match=r"m\.onnx is not a model that runs"):
        build(CARD, tmp_path / "m.onnx")
    with pytest.raises(BadModelFile, match="is not there"):
        build(CARD, tmp_path / "absent.onnx")


def test_a_network_that_is_told_the_size_answers_in_it(tmp_path: Path) -> None:
    path = constant(tmp_path / "m.onnx", deployed(), size=(96, 64), batch="n", sized=True)
    card = replace(CARD, decoding="detr", width=96, fit="stretch", iou=1.0)
    (found,) = build(card, path).infer(FRAME, b"")
    assert found.tolist() == pytest.approx([0.25, 0.5, 0.5, 1, 0.75, 1])


def deployed() -> list[Numbers]:
    """A deployed DETR's labels, boxes and scores: one car."""
    labels, scores = np.zeros(20, np.int64), np.zeros(20, np.float32)
    boxes = np.zeros((20, 4), np.float32)
    labels[3], boxes[3], scores[3] = 1, (0.25, 0.5, 0.5, 1), 0.75
    return [labels, boxes, scores]
