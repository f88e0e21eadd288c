"""Putting models into the repository: whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schemas.errors import Rejected
from streams.inference.cards import included_card
from streams.inference.local import LocalModel
from streams.inference.repository import (
    config_text,
    install,
    installed,
    local_model,
    versions,
    withdraw,
)
from tests.fixtures import fixture
from tests.unit.streams.inference.scenes import ground, jpeg

FOREGROUND = included_card("foreground")


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_model_comes_with_all_that_triton_needs(tmp_path: Path) -> None:
    assert install(tmp_path, "foreground", None, FOREGROUND, instances=3) == "1"
    assert files(tmp_path) == {
        "foreground/config.pbtxt",
        "foreground/model.yaml",
        "foreground/1/model.py",
        "foreground/1/card.json",
        "foreground/1/model.yaml",
    }
    config = (tmp_path / "foreground" / "config.pbtxt").read_text(encoding="utf-8")
    assert "count: 3" in config and "BACKGROUND" in config and "max_batch_size: 16" in config
    card = json.loads((tmp_path / "foreground" / "1" / "card.json").read_text(encoding="utf-8"))
    assert card["labels"] == ["object"]
    assert installed(tmp_path) == {"foreground": "1"}


def test_the_same_again_keeps_its_version_and_a_change_gets_the_next(tmp_path: Path) -> None:
    changed = FOREGROUND.replace("min_score: 0.1", "min_score: 0.2")
    given_ = [FOREGROUND, FOREGROUND, changed, changed, FOREGROUND, changed]
    assert [install(tmp_path, "m", None, card) for card in given_] == ["1", "1", "2", "2", "3", "4"]
    assert versions(tmp_path, "m") == ["2", "3", "4"]
    assert local_model(tmp_path, "m").card.min_score == 0.2
    withdraw(tmp_path, "m", "4")
    model = local_model(tmp_path, "m")
    assert (model.version, model.card.min_score) == ("3", 0.1)


def test_what_is_no_model_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    repository, junk = tmp_path / "models", tmp_path / "junk.onnx"
    yolox = included_card("yolox")
    cases: list[tuple[str, bytes | None, str, str]] = [
        ("yolox", b"", yolox, "bad-model"),
        ("yolox", b"PK\x03\x04 not onnx", yolox, "bad-model"),
        ("yolox", None, yolox, "no-weights"),
        ("foreground", b"weights", FOREGROUND, "no-weights"),
        ("yolox", b"x", yolox + f"sha256: {'a' * 64}\n", "wrong-checksum"),
        ("yolox", b"x", "name: yolox", "bad-card"),
        ("../yolox", None, FOREGROUND, "bad-name"),
    ]
    for name, content, card, reason in cases:
        junk.write_bytes(content or b"")
        with pytest.raises(Rejected) as refused:
            install(repository, name, None if content is None else junk, card)
        assert refused.value.reason == reason, str(refused.value)
        assert installed(repository) == {} and not repository.exists()
    with pytest.raises(Rejected, match="is not there"):
        install(repository, "yolox", tmp_path / "absent.onnx", yolox)


def test_another_network_than_the_card_describes_is_refused(tmp_path: Path) -> None:
    other = fixture("models/FastestDet.onnx")
    with pytest.raises(Rejected, match="its card asks for"):
        install(tmp_path, "yolox", other, included_card("yolox"))


def test_weights_are_copied_and_answer_as_the_file_does(tmp_path: Path) -> None:
    weights = fixture("models/yolox_nano.onnx")
    install(tmp_path, "mine", weights, included_card("yolox"))
    frame = jpeg(ground())
    there = LocalModel("mine", weights, card=included_card("yolox")).infer(frame)
    assert local_model(tmp_path, "mine").infer(frame) == there
    assert "BACKGROUND" not in config_text("mine", local_model(tmp_path, "mine").card, 1)


def test_a_model_that_is_not_installed(tmp_path: Path) -> None:
    install(tmp_path, "foreground", None, FOREGROUND)
    with pytest.raises(Rejected, match="there is foreground"):
        local_model(tmp_path, "yolox")
    with pytest.raises(Rejected, match="--model-file"):
        LocalModel("yolox")
