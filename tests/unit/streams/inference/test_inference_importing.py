"""A detector is added by its file and the name of its format; what is missing is asked for."""

from __future__ import annotations

import doctest
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import yaml

from schemas.errors import Rejected
from streams.inference import importing
from streams.inference.cards import read_card
from streams.inference.catalogue import catalogue, entry_named, entry_of
from streams.inference.importing import card_of
from streams.inference.local import LocalModel
from tests.fixtures import fixture
from tests.unit.streams.inference.scenes import ground, jpeg
from tests.unit.triton_models.networks import constant
from triton_models.kit.labels import COCO
from triton_models.kit.reading import card_from

Floats = npt.NDArray[np.float32]


def zeros(*shape: int) -> Floats:
    return np.zeros(shape, np.float32)


ULTRALYTICS = {
    "names": "{0: 'person', 1: 'forklift'}",
    "imgsz": "[64, 96]",
    "license": "AGPL-3.0 License (https://ultralytics.com/license)",
    "task": "detect",
}


def test_an_export_that_tells_everything_needs_its_format_alone(tmp_path: Path) -> None:
    file = constant(
        tmp_path / "best.onnx",
        [zeros(6, 126)],
        size=("width", "height"),
        batch="batch",
        told=False,
        metadata=ULTRALYTICS,
    )
    text = card_of(file, "yard", {"decoding": "yolo"})
    card = read_card(text, "yard")
    assert (card.name, card.labels, card.width, card.height) == (
        *("yard", ("person", "forklift")),
        *(96, 64),
    )
    assert (card.licence, card.source, card.fit, card.divide_by) == (
        *("AGPL-3.0", "best.onnx", "centre"),
        255,
    )
    assert LocalModel("yard", file, card=text).infer(jpeg(ground())).scores == ()


@pytest.mark.parametrize(
    ("decoding", "outputs", "labels"),
    [
        ("yolox", [zeros(84, 85)], 80),
        ("yolo", [zeros(84, 252)], 80),
        ("nanodet", [zeros(85, 112)], 80),
        ("fastestdet", [zeros(85, 4, 4)], 80),
        ("detr", [zeros(300, 80), zeros(300, 4)], 80),
        ("detr", [zeros(100, 92), zeros(100, 4)], 91),
    ],
)
def test_networks_of_known_classes_need_no_labels(
    tmp_path: Path, decoding: str, outputs: list[Floats], labels: int
) -> None:
    file = constant(tmp_path / "m.onnx", outputs)
    card = read_card(card_of(file, "m", {"decoding": decoding}), "m")
    assert len(card.labels) == labels and "person" in card.labels[:2]
    assert card.licence == importing.NO_LICENCE
    LocalModel(
        "m", file, card=yaml.safe_dump(yaml.safe_load(card_of(file, "m", {"decoding": decoding})))
    )


@pytest.mark.parametrize(
    ("said", "outputs", "why"),
    [
        ({}, [zeros(84, 85)], "format is not known; name one with --format: yolox, yolo"),
        ({"decoding": "ssd"}, [zeros(84, 85)], "'ssd' is no format"),
        ({"decoding": "yolo"}, [zeros(7, 252)], "tells 3 apart and names none.*--labels"),
        ({"decoding": "yolo"}, [zeros(300, 6)], "does not say how many classes"),
        ({"decoding": "yolo", "labels": ["a"]}, [zeros(7, 252)], "tells 3 classes .* asks for 1"),
        ({"decoding": "yolo", "iou": 2}, [zeros(84, 252)], "the card of m: min_score and iou"),
        ({"decoding": "yolo", "colours": "rgb"}, [zeros(84, 252)], "unknown keys colours"),
        (
            {"decoding": "fastestdet"},
            [zeros(84, 85)],
            r"is \[1, 84, 85\]; the format fastestdet wants",
        ),
        ({"decoding": "yolo", "sha256": "0" * 64}, [zeros(84, 252)], "m.onnx has SHA-256"),
        ({"decoding": "yolo", "width": 96, "height": 64}, [zeros(84, 252)], "asks for 96x64"),
    ],
)
def test_what_is_missing_or_wrong_is_said_in_one_line(
    tmp_path: Path, said: dict[str, Any], outputs: list[Floats], why: str
) -> None:
    file = constant(tmp_path / "m.onnx", outputs)
    with pytest.raises(Rejected, match=why) as refused:
        LocalModel("m", file, card=card_of(file, "m", said))
    assert "\n" not in str(refused.value)


def test_an_open_size_is_asked_for(tmp_path: Path) -> None:
    file = constant(tmp_path / "m.onnx", [zeros(84, 252)], size=("w", "h"))
    with pytest.raises(Rejected, match="--size"):
        card_of(file, "m", {"decoding": "yolo"})
    card = read_card(card_of(file, "m", {"decoding": "yolo", "width": 64, "height": 64}), "m")
    assert (card.width, card.labels) == (64, COCO)


def test_a_file_that_is_not_onnx_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "m.onnx"
    with pytest.raises(Rejected, match="is not there"):
        card_of(file, "m", {"decoding": "yolo"})
    file.write_bytes(b"\x89PNG\r\n")
    with pytest.raises(Rejected, match=r"m\.onnx is not a model that runs") as refused:
        card_of(file, "m", {"decoding": "yolo"})
    assert refused.value.reason == "bad-model"


def test_the_catalogue_is_sound() -> None:
    assert {"yolox-nano", "fastestdet"} <= set(catalogue())
    for name, entry in catalogue().items():
        assert entry.address.startswith("https://") and entry.licence and entry.about
        assert entry_of(entry.sha256) is entry_named(name)
        card_from({"labels": ["a"], "width": 64, "height": 64, "name": name, **entry.values})
    assert entry_of("0" * 64) is None
    with pytest.raises(Rejected, match="only yolox-nano, fastestdet"):
        entry_named("nobody")


@pytest.mark.parametrize(
    ("name", "weights"), [("yolox-nano", "yolox_nano.onnx"), ("fastestdet", "FastestDet.onnx")]
)
def test_files_of_the_catalogue_are_known_by_their_checksum(name: str, weights: str) -> None:
    card = read_card(card_of(fixture(f"models/{weights}"), "mine", {}), "mine")
    entry = entry_named(name)
    assert (card.name, card.sha256, card.licence) == ("mine", entry.sha256, entry.licence)
    assert (card.labels, card.source) == (COCO, entry.address)


def test_examples() -> None:
    result = doctest.testmod(importing)
    assert result.attempted > 0 and result.failed == 0
