"""Which models a replay asks, and which file is whose."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from infra.cli.replay_arguments import ReplayArguments, parse
from infra.cli.replay_models import Troubles, files_for, models_for, uses_for
from schemas.errors import Rejected
from schemas.site import Camera
from schemas.site import parse as parse_site
from streams.inference.answer import Outcome, Refusal
from streams.inference.choosing import Use
from streams.inference.readings import frame_reading
from streams.inference.repository import install
from tests.unit.streams.inference.scenes import frame

LINE = ["--site", "s.yaml", "--camera", "gate", "--video", "a.mp4"]


def camera(models: str) -> Camera:
    text = f"version: 1\nsite: depot-7\ncameras: {{gate: {{source: a.mp4, models: {models}}}}}\n"
    return parse_site(text).cameras["gate"]


def wanted(*options: str) -> ReplayArguments:
    return parse([*LINE, *options])


def test_the_cameras_models_look_each_in_its_way() -> None:
    two = camera("{foreground: {fps: 5}, yolox: {fps: 0.5, classes: [person]}}")
    assert uses_for(wanted(), two) == (
        Use("foreground", Fraction(5)),
        Use("yolox", Fraction(1, 2), frozenset({"person"})),
    )


def test_a_model_given_stands_for_all_and_keeps_the_rate_it_had() -> None:
    two = camera("{foreground: {fps: 5}, yolox: {fps: 1}}")
    assert uses_for(wanted("--model", "yolox"), two) == (Use("yolox", Fraction(1)),)
    assert uses_for(wanted("--model", "other"), two) == (Use("other"),)


@pytest.mark.parametrize(
    ("options", "names", "files"),
    [
        (["--model-file", "m.onnx"], ["yolox"], {"yolox": "m.onnx"}),
        (["--model-file", "m.onnx"], ["mine"], {"mine": "m.onnx"}),
        (["--model-file", "m.onnx"], ["foreground", "yolox"], {"yolox": "m.onnx"}),
        (["--model-file", "mine=m.onnx"], ["mine", "yolox"], {"mine": "m.onnx"}),
        (
            ["--model-file", "mine=m.onnx", "--model-file", "n.onnx"],
            ["mine", "yolox"],
            {"mine": "m.onnx", "yolox": "n.onnx"},
        ),
        ([], ["foreground", "yolox"], {}),
    ],
)
def test_a_file_goes_to_the_model_that_needs_it(
    options: list[str], names: list[str], files: dict[str, str]
) -> None:
    found = files_for(wanted(*options), names)
    assert {name: str(path) for name, path in found.items()} == files


def test_a_file_that_could_be_of_several_is_asked_for_by_name() -> None:
    with pytest.raises(Rejected, match=r"mine or yolox: write --model-file mine=m\.onnx"):
        files_for(wanted("--model-file", "m.onnx"), ["foreground", "mine", "yolox"])
    with pytest.raises(Rejected, match="no camera here has the model other"):
        files_for(wanted("--model-file", "other=m.onnx"), ["yolox"])


def test_a_file_whose_name_holds_an_equals_sign_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "a=b.onnx").touch()
    assert wanted("--model-file", str(tmp_path / "a=b.onnx")).named_files == ()
    with pytest.raises(SystemExit):
        wanted("--model-file", "m.onnx", "--model-file", "n.onnx")


def test_what_an_embedded_stack_has_installed_is_asked_in_its_version(tmp_path: Path) -> None:
    card = "name: foreground\nlicence: Apache-2.0\ndecoding: foreground\nlabels: [thing]\n"
    install(tmp_path / "models", "mine", None, card)
    models = models_for(wanted("--data-dir", str(tmp_path)), ["mine", "foreground", "mine"])
    assert list(models) == ["mine", "foreground"]
    assert [model.card.labels for model in models.values()] == [("thing",), ("object",)]


def test_a_model_without_its_weights_says_how_to_give_them() -> None:
    with pytest.raises(Rejected, match="--model-file"):
        models_for(wanted(), ["foreground", "yolox"])


def test_failures_are_told_and_a_model_that_never_answers_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    broken, fine = Refusal("failed", "model-failed", "yolox"), Refusal("dropped", "x", "other")
    troubles = Troubles()
    said: list[list[Outcome]] = [[broken], [broken, fine]]
    for outcomes in said:
        troubles.add(frame_reading(frame(0, b""), 0, outcomes))
    with pytest.raises(Rejected, match=r"yolox failed on all 2 frames .*model-failed"):
        troubles.tell()
    assert capsys.readouterr().err == ""
