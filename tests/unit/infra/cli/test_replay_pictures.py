"""``sightline replay --video`` with sensors that look at pictures, on real and spoilt footage."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.cli.replay import run
from tests.fixtures import FIXTURES, fixture

SITE = """
version: 1
site: depot-7
cameras: {gate: {source: 'synthetic:walkers'}}
sensors:
  eye: {camera: gate, kind: tamper}
  stir: {camera: gate, kind: motion}
"""
VIDEOS = sorted(path.name for path in (FIXTURES / "videos").glob("*.mp4"))


def replayed(video: Path, folder: Path, gate: bool = False) -> list[dict[str, Any]]:
    site, out = folder / "site.yaml", folder / "triggers.jsonl"
    site.write_text(SITE.replace("walkers'", "walkers', motion_gate: true") if gate else SITE)
    arguments = ("--site", str(site), "--camera", "gate", "--video", str(video))
    assert run([*arguments, "--triggers-out", str(out)]) == 0
    return [json.loads(line) for line in out.read_text().splitlines()]


def of(sensor: str, lines: list[dict[str, Any]]) -> list[tuple[str, float, float]]:
    return [(x["trigger"], x["since_t"], x["t"]) for x in lines if x["sensor"] == sensor]


@pytest.mark.parametrize("gate", [False, True])
def test_a_black_picture_is_covered_until_the_view_is_back(tmp_path: Path, gate: bool) -> None:
    found = of("eye", replayed(fixture("robustness/black_middle_60.mp4"), tmp_path, gate))
    assert found == [("covered", 4.8, 6.8), ("restored", 9.6, 11.6)]


@pytest.mark.parametrize("gate", [False, True])
def test_a_frozen_picture_is_frozen_and_does_not_move(tmp_path: Path, gate: bool) -> None:
    lines = replayed(fixture("robustness/frozen_after_60.mp4"), tmp_path, gate)
    ((name, since_t, at_t),) = of("eye", lines)
    assert name == "frozen" and 4.8 <= since_t <= 6.5 and at_t == pytest.approx(since_t + 2)
    assert [name for name, _, _ in of("stir", lines)] == ["started", "stopped"]


@pytest.mark.parametrize("name", VIDEOS or ["vtest_480x360_10fps.mp4"])
def test_no_footage_of_ordinary_life_is_tampering(name: str, tmp_path: Path) -> None:
    lines = replayed(fixture(f"videos/{name}"), tmp_path)
    assert of("eye", lines) == []
    names = [trigger for trigger, _, _ in of("stir", lines)]
    assert names == (["started", "stopped"] * len(names))[: len(names)]
