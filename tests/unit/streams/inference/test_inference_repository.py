"""Putting models into the repository: whole or not at all."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import numpy as np
import onnx
import pytest

from schemas.errors import Rejected
from streams.inference.cards import included_card
from streams.inference.client import TritonClient
from streams.inference.configs import config_from
from streams.inference.importing import card_of
from streams.inference.local import LocalModel
from streams.inference.repository import (
    install,
    installed,
    load,
    local_model,
    rollback,
    serve,
    versions,
    withdraw,
)
from tests.fixtures import fixture
from tests.unit.streams.inference.scenes import ground, jpeg
from tests.unit.triton_models.networks import constant

FOREGROUND = included_card("foreground")


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_model_comes_with_all_that_triton_needs(tmp_path: Path) -> None:
    assert install(tmp_path, "foreground", None, FOREGROUND, instances=3) == "1"
    assert files(tmp_path) == {
        ".lock",
        "foreground/config.pbtxt",
        "foreground/model.yaml",
        "foreground/order",
        "foreground/1/model.py",
        "foreground/1/card.json",
        "foreground/1/model.yaml",
    }
    config = config_from((tmp_path / "foreground" / "config.pbtxt").read_text(encoding="utf-8"))
    assert config.instance_group[0].count == 3 and config.max_batch_size == 16
    assert [tensor.name for tensor in config.input] == ["JPEG", "BACKGROUND"]
    assert [tensor.name for tensor in config.output] == ["OBJECTS", "COUNT", "LABELS"]
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


def test_a_file_with_weights_beside_it_is_refused(tmp_path: Path) -> None:
    finished = np.random.default_rng(1).random((300, 6)).astype(np.float32)
    whole, parted = constant(tmp_path / "whole.onnx", [finished]), tmp_path / "parted.onnx"
    onnx.save(onnx.load(whole), parted, save_as_external_data=True, size_threshold=0)
    card = card_of(parted, "m", {"decoding": "yolo", "labels": ["a"]})
    with pytest.raises(Rejected, match="keeps weights in a second file") as refused:
        install(tmp_path / "models", "m", parted, card)
    assert refused.value.reason == "bad-model" and installed(tmp_path / "models") == {}
    card = card_of(whole, "m", {"decoding": "yolo", "labels": ["a"]})
    assert install(tmp_path / "models", "m", whole, card) == "1"


def test_weights_are_copied_and_answer_as_the_file_does(tmp_path: Path) -> None:
    weights = fixture("models/yolox_nano.onnx")
    install(tmp_path, "mine", weights, included_card("yolox"))
    frame = jpeg(ground())
    there = LocalModel("mine", weights, card=included_card("yolox")).infer(frame)
    assert local_model(tmp_path, "mine").infer(frame) == there
    config = config_from((tmp_path / "mine" / "config.pbtxt").read_text(encoding="utf-8"))
    assert [tensor.name for tensor in config.input] == ["JPEG"]


def test_a_model_that_is_not_installed(tmp_path: Path) -> None:
    install(tmp_path, "foreground", None, FOREGROUND)
    with pytest.raises(Rejected, match="there is foreground"):
        local_model(tmp_path, "yolox")
    with pytest.raises(Rejected, match="--model-file"):
        LocalModel("yolox")


class Served:
    """A stand-in for Triton that serves what ``config.pbtxt`` says, as Triton was seen to do."""

    def __init__(self, repository: Path) -> None:
        self.repository = repository
        self.serving: tuple[str, ...] = ()
        self.broken: set[str] = set()

    def load(self, model: str) -> None:
        config = config_from((self.repository / model / "config.pbtxt").read_text(encoding="utf-8"))
        (version,) = map(str, config.version_policy.specific.versions)
        if version in self.broken:
            raise Rejected(f"Triton cannot load the model {model}", reason="cannot-load")
        self.serving = (version,)

    def versions(self, model: str) -> tuple[str, ...]:
        return self.serving


def card_with(number: int) -> str:
    return FOREGROUND.replace("min_score: 0.1", f"min_score: 0.{number}")


@pytest.fixture
def served(tmp_path: Path) -> Served:
    """Three versions of ``m``, the third in force."""
    triton = Served(tmp_path)
    for number in (1, 2, 3):
        load(
            cast(TritonClient, triton),
            tmp_path,
            "m",
            install(tmp_path, "m", None, card_with(number)),
        )
    return triton


def test_a_rollback_goes_back_one_by_one_and_forgets_no_number(served: Served) -> None:
    client, repository = cast(TritonClient, served), served.repository
    assert rollback(client, repository, "m") == "2" == served.serving[0]
    assert installed(repository) == {"m": "2"} and versions(repository, "m") == ["1", "2", "3"]
    assert local_model(repository, "m").card.min_score == 0.2
    assert rollback(client, repository, "m") == "1"
    with pytest.raises(Rejected, match="only version 1 of it") as refused:
        rollback(client, repository, "m")
    assert refused.value.reason == "no-version-before" and served.serving == ("1",)
    load(client, repository, "m", install(repository, "m", None, card_with(4)))
    assert served.serving == ("4",)
    assert versions(repository, "m") == ["1", "2", "3", "4"], "1 is the version before"
    assert rollback(client, repository, "m") == "1"


def test_a_version_that_fails_leaves_the_one_before_in_force(served: Served) -> None:
    client, repository = cast(TritonClient, served), served.repository
    rollback(client, repository, "m")
    served.broken.add("4")
    version = install(repository, "m", None, card_with(5))
    with pytest.raises(Rejected, match="cannot load"):
        load(client, repository, "m", version)
    assert installed(repository) == {"m": "2"} and served.serving == ("2",)
    served.broken.add("1")
    with pytest.raises(Rejected, match="cannot load"):
        rollback(client, repository, "m")
    assert installed(repository) == {"m": "2"} and served.serving == ("2",)


def test_a_start_that_fails_takes_nothing_out(served: Served) -> None:
    client, repository = cast(TritonClient, served), served.repository
    served.broken.add("3")
    with pytest.raises(Rejected, match="cannot load"):
        serve(client, "m", "3")
    assert installed(repository) == {"m": "3"} and versions(repository, "m") == ["1", "2", "3"]
    served.broken.clear()
    serve(client, "m", "3")
    with pytest.raises(Rejected, match="in the versions 3, not 2"):
        serve(client, "m", "2")


def test_a_version_that_fails_is_kept_aside(served: Served) -> None:
    client, repository = cast(TritonClient, served), served.repository
    served.broken.update("123")
    for left in (["1", "2"], ["1"], []):
        with pytest.raises(Rejected, match="cannot load"):
            load(client, repository, "m", installed(repository)["m"])
        assert versions(repository, "m") == left
    assert installed(repository) == {} and not (repository / "m").exists()
    aside = repository / ".withdrawn"
    assert sorted(path.name for path in aside.iterdir()) == ["m-1", "m-2", "m-3"]
    text = (aside / "m-3" / "model.yaml").read_text(encoding="utf-8")
    assert install(repository, "m", None, text) == "1"


def test_many_at_once_lose_nothing(tmp_path: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        given_ = [card_with(number) for number in range(6)]
        made = list(pool.map(lambda card: install(tmp_path, "m", None, card), given_))
    assert sorted(made) == ["1", "2", "3", "4", "5", "6"]
    assert versions(tmp_path, "m") == ["4", "5", "6"] and installed(tmp_path) == {"m": "6"}


def test_an_older_version_can_be_loaded_by_its_number(served: Served) -> None:
    client, repository = cast(TritonClient, served), served.repository
    load(client, repository, "m", "1")
    assert installed(repository) == {"m": "1"} and served.serving == ("1",)
    assert rollback(client, repository, "m") == "3"


def test_a_rollback_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="no such model"):
        rollback(cast(TritonClient, Served(tmp_path)), tmp_path, "m")


def test_the_number_of_instances_outlives_a_rollback(served: Served) -> None:
    repository = served.repository
    install(repository, "m", None, card_with(6), instances=7)
    rollback(cast(TritonClient, served), repository, "m")
    config = config_from((repository / "m" / "config.pbtxt").read_text(encoding="utf-8"))
    assert config.instance_group[0].count == 7
