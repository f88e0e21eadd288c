"""A camera whose model nobody has added yet is told of when its configuration is applied."""

from __future__ import annotations

from pathlib import Path

from infra.cli.configuring import missing_models
from schemas.site import parse

SITE = parse(
    """\
version: 1
site: depot
cameras:
  gate: {source: gate.mp4, models: [foreground, yolox]}
  yard: {source: yard.mp4}
"""
)


def test_a_model_that_is_not_in_the_repository_is_named_with_its_camera(tmp_path: Path) -> None:
    (tmp_path / "foreground").mkdir()
    (line,) = missing_models(str(tmp_path), SITE)
    assert line.startswith("cameras.gate: there is no model yolox yet")
    assert "sightline models import FILE.onnx --as yolox" in line


def test_where_the_repository_is_not_known_nothing_is_said(tmp_path: Path) -> None:
    assert missing_models("", SITE) == []
    assert missing_models(str(tmp_path / "elsewhere"), SITE) == []
