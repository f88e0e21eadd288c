"""``sightline config draw`` and ``diff`` as a person calls them."""

from pathlib import Path

import cv2
import numpy as np
from typer.testing import CliRunner

from infra.cli.drawing import EMPTY_SIZE, draw_sensors
from infra.cli.main import build
from schemas.site import parse

SITE = """
version: 1
site: depot-7
cameras:
  gate: {source: 'synthetic:walkers', privacy: [[[0, 0.8], [0.2, 0.8], [0.2, 1], [0, 1]]]}
  yard: {source: /nowhere/yard.mp4}
sensors:
  door: {camera: gate, kind: line, points: [[0.5, 0.2], [0.5, 0.8]]}
  lawn: {camera: gate, kind: zone, points: [[0.6, 0.3], [0.9, 0.3], [0.9, 0.9], [0.6, 0.9]]}
  bags: {camera: gate, kind: stationary}
  wire: {camera: yard, kind: link}
"""


def test_a_line_an_arrow_to_its_right_hand_side_and_a_filled_zone_are_drawn() -> None:
    empty = draw_sensors(None, parse(SITE[: SITE.index("sensors")]), "gate")
    drawn = draw_sensors(None, parse(SITE), "gate")
    width, height = EMPTY_SIZE
    changed = np.any(empty != drawn, axis=2)
    assert changed[height // 2, width // 2]
    # Down the screen, the right-hand side is on the left.
    assert changed[height // 2, width // 2 - 15] and not changed[height // 2, width // 2 + 15]
    assert changed[round(0.6 * height), round(0.85 * width)]
    assert drawn[round(0.95 * height), round(0.02 * width)].tolist() == [0, 0, 0]


def test_every_camera_gets_a_picture_and_one_without_gets_a_word(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(SITE, encoding="utf-8")
    result = CliRunner().invoke(
        build("config"), ["config", "draw", str(path), "--out", str(tmp_path)]
    )
    assert result.exit_code == 0
    for camera in ("gate", "yard"):
        assert cv2.imread(str(tmp_path / f"{camera}.jpg")) is not None
    assert "cameras.yard: there is no file /nowhere/yard.mp4" in result.stderr


def test_a_difference_is_printed_and_is_an_exit_code(tmp_path: Path) -> None:
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(SITE, encoding="utf-8")
    new.write_text(
        SITE.replace("kind: stationary", "kind: stationary, for_s: 30"), encoding="utf-8"
    )
    run = CliRunner()
    same = run.invoke(build("config"), ["config", "diff", str(old), str(old)])
    other = run.invoke(build("config"), ["config", "diff", str(old), str(new)])
    assert (same.exit_code, same.output) == (0, "")
    assert (other.exit_code, other.output) == (1, "~ sensors.bags.for_s: 60.0 -> 30.0\n")
