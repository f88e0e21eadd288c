"""Rules with ``armed`` in replays: in the modes that are given, or in those of then."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.cli import rerun
from infra.cli.replay import run
from infra.cli.rerun import RunningConfigs
from schemas.errors import Rejected
from schemas.site import SiteConfig, parse

SITE = """
version: 1
site: depot-7
cameras: {gate: {source: 'usb:0', fps: native}}
sensors: {wire: {camera: gate, kind: zone, points: [[0, 0], [1, 0], [1, 1], [0, 1]]}}
rules: {guarded: {when: {sensor: wire, trigger: entered}, armed: [away], min_score: 0}}
"""


def replayed(folder: Path, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    site, detections, out = folder / "site.yaml", folder / "det.txt", folder / "events.jsonl"
    site.write_text(SITE)
    rows = [f"{n},-1,{20 * n},100,60,150,0.9" for n in range(1, 30)]
    detections.write_text("\n".join(rows))
    code = run(
        [
            *("--site", str(site), "--camera", "gate", "--detections", str(detections)),
            *("--size", "640x360", "--fps", "5", "--verdicts-out", str(out), *arguments),
        ]
    )
    return code, [json.loads(line) for line in out.read_text().splitlines()] if code == 0 else []


def test_an_armed_rule_speaks_in_its_mode_only(tmp_path: Path) -> None:
    assert replayed(tmp_path) == (0, [])
    code, verdicts = replayed(tmp_path, "--armed", "away")
    assert code == 0 and [verdict["rule"] for verdict in verdicts] == ["guarded"]


def test_a_mode_that_no_rule_names_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert replayed(tmp_path, "--armed", "home")[0] == 2
    assert "no rule is armed in that mode; there is away" in capsys.readouterr().err


class Kept:
    """Stands in for the configurations of a site: version 1 is not kept any more."""

    def __init__(self, bootstrap: str) -> None:
        self.site = parse(SITE)

    def get(self, version: int, wait_s: float) -> SiteConfig:
        if version == 1:
            raise Rejected("older than those kept", reason="config-expired")
        return self.site.armed_in(["away"] if version == 2 else [])


def test_new_rules_are_judged_in_the_modes_of_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rerun, "ConfigStore", Kept)
    other = parse(SITE.replace("guarded", "watched"))
    configs = RunningConfigs("nowhere").judging_by(other)
    assert [configs(version).modes for version in (1, 2, 3)] == [(), ("away",), ()]
    assert configs(2).rules.keys() == {"watched"}
