"""What is worth a second look in a configuration is told, with its camera and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.cli.advising import advice
from infra.cli.main import build
from schemas.site import SiteConfig, parse
from streams.inference.cards import CARD_FILE, included_card


def site(gate: str) -> SiteConfig:
    return parse(f"version: 1\nsite: depot\ncameras: {{gate: {{source: gate.mp4, {gate}}}}}\n")


def repository(folder: Path, **stages: str) -> str:
    for name, stage in stages.items():
        (folder / name).mkdir()
        card = included_card("yolox") + f"\nstage: {stage}\n"
        (folder / name / CARD_FILE).write_text(card)
    return str(folder)


def test_a_model_that_is_not_in_the_repository_is_named_with_its_camera(tmp_path: Path) -> None:
    known = repository(tmp_path, foreground="detector")
    (line,) = advice(known, site("models: [foreground, yolox]"))
    assert line.startswith("cameras.gate: there is no model yolox yet")
    assert "sightline models import FILE.onnx --as yolox" in line


def test_where_the_repository_is_not_known_nothing_is_said_of_it(tmp_path: Path) -> None:
    assert advice("", site("model: yolox")) == []
    assert advice(str(tmp_path / "elsewhere"), site("model: yolox")) == []


def test_a_camera_with_nothing_but_a_second_stage_is_told_of(tmp_path: Path) -> None:
    known = repository(tmp_path, ppe="crop", yolox="detector")
    (line,) = advice(known, site("model: ppe"))
    assert "ppe looks only at what other models found" in line and "name a detector" in line
    assert advice(known, site("models: [ppe, yolox]")) == []


@pytest.mark.parametrize(
    ("gate", "told"),
    [
        ("fps: 0.5", True),
        ("models: {yolox: {fps: 0.5}}", True),
        ("models: {yolox: {fps: 0.5}}, lost_s: 2.1", False),
        ("models: {yolox: {fps: 0.1}, foreground: {}}", False),
        ("models: {yolox: {fps: 0.1}, fire: {fps: native}}", False),
        ("fps: native", False),
    ],
)
def test_a_camera_on_which_no_track_can_last_is_told_of(gate: str, told: bool) -> None:
    lines = advice("", site(gate))
    assert len(lines) == told
    assert not told or "every 2 s, and a track ends after 2 s" in lines[0]


def test_check_tells_it_too_and_finds_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text("version: 1\nsite: depot\ncameras: {gate: {source: gate.mp4, fps: 0.2}}\n")
    result = CliRunner().invoke(build("config"), ["config", "check", str(path)])
    assert result.exit_code == 0 and "no faults" in result.output
    assert "every 5 s" in result.output
