"""What the ``models`` commands make of their arguments, and what they draw."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from infra.cli.models_ask import boxes_of, drawn, picture_in, save
from infra.cli.models_import import Said, card_for
from schemas.errors import Rejected
from streams.inference.answer import Answer
from streams.inference.cards import read_card
from tests.unit.triton_models.networks import constant
from triton_models.kit.labels import COCO

PICTURE = np.full((50, 100, 3), 90, np.uint8)
ANSWER = Answer(
    boxes=(0.1, 0.2, 0.5, 0.8, -0.1, 0.0, 0.3, 1.2),
    scores=(0.9, 0.2),
    labels=("person", "car"),
    model="m",
    model_version="1",
)


def test_options_win_over_the_card_and_the_card_over_the_format(tmp_path: Path) -> None:
    file = constant(tmp_path / "m.onnx", [np.zeros((7, 252), np.float32)], size=("w", "h"))
    card, labels = tmp_path / "card.yaml", tmp_path / "labels.txt"
    card.write_text("decoding: yolo\nlicence: MIT\niou: 0.7\nfit: stretch\n", encoding="utf-8")
    labels.write_text("person\ntraffic light\n\ndog\n", encoding="utf-8")
    said = Said(card=card, labels=str(labels), size="128x96", licence="Apache-2.0")
    made = read_card(card_for(file, "m", said), "m")
    assert (made.licence, made.iou, made.fit, made.divide_by) == ("Apache-2.0", 0.7, "stretch", 255)
    assert (made.width, made.height) == (128, 96)
    assert made.labels == ("person", "traffic light", "dog")
    said = Said("yolo", labels="a, b,c", size="128x96")
    assert read_card(card_for(file, "m", said), "m").labels == ("a", "b", "c")


def test_the_name_of_an_included_card_is_enough(tmp_path: Path) -> None:
    file = constant(tmp_path / "m.onnx", [np.zeros((3549, 85), np.float32)], size=(416, 416))
    card = read_card(card_for(file, "yolox", Said()), "yolox")
    assert (card.decoding, card.labels, len(card.sha256)) == ("yolox", COCO, 64)
    with pytest.raises(Rejected, match="--format"):
        card_for(file, "mine", Said())


def test_a_size_that_is_none_is_refused() -> None:
    with pytest.raises(Rejected, match="640x640"):
        Said(size="640").values()


def test_boxes_are_in_pixels_and_weak_ones_are_left_out() -> None:
    assert boxes_of(ANSWER, PICTURE, 0.3) == [("person", 0.9, (10, 10, 50, 40))]
    assert boxes_of(ANSWER, PICTURE, 0.1)[1] == ("car", 0.2, (-10, 0, 30, 60))


@pytest.mark.parametrize("kind", [".jpg", ".png", ".bmp"])
def test_pictures_of_every_kind_are_read_and_drawn(tmp_path: Path, kind: str) -> None:
    save(PICTURE, tmp_path / f"in{kind}")
    picture, encoded = picture_in(tmp_path / f"in{kind}")
    assert picture.shape == PICTURE.shape and encoded.startswith(b"\xff\xd8")
    if kind == ".jpg":
        assert encoded == (tmp_path / "in.jpg").read_bytes()
    canvas = drawn(picture, boxes_of(ANSWER, picture, 0.1))
    assert (canvas != picture).any() and (picture == picture[0, 0]).all()
    save(canvas, tmp_path / f"out{kind}")
    assert cv2.imread(str(tmp_path / f"out{kind}")).shape == PICTURE.shape


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("no picture", encoding="utf-8")
    (tmp_path / "b.jpg").touch()
    for name in ("a.txt", "b.jpg"):
        with pytest.raises(Rejected, match="is no picture"):
            picture_in(tmp_path / name)
    with pytest.raises(Rejected, match=r"use \.jpg or \.png"):
        save(PICTURE, tmp_path / "out.docx")


def test_a_model_without_weights_needs_no_file(tmp_path: Path) -> None:
    text = card_for(None, "foreground", Said())
    assert read_card(text, "foreground").weightless
    changed = tmp_path / "card.yaml"
    changed.write_text("decoding: foreground\nlabels: [object]\nmin_score: 0.3\n")
    card = read_card(card_for(None, "moving", Said(card=changed)), "moving")
    assert (card.name, card.min_score) == ("moving", 0.3)


def test_a_model_with_weights_needs_its_file() -> None:
    for name, said in (("yolox", Said()), ("mine", Said(decoding="yolo"))):
        with pytest.raises(Rejected) as refused:
            card_for(None, name, said)
        assert refused.value.reason in ("no-file", "bad-card")
