"""What people see on real footage is what `sightline replay` raises: no more, no less."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.cli import replay
from tests.fixtures import fixture

MODEL = "models/yolox_nano.onnx"
WHOLE = [[0, 0], [1, 0], [1, 1], [0, 1]]
LEAD_S = 1.0
"""A person is seen by the detector this much before or after the annotation at most."""


@dataclass(frozen=True)
class Raised:
    """What a replay gave: triggers, and events as they were opened."""

    triggers: list[dict[str, Any]]
    opened: list[dict[str, Any]]


def replayed(folder: Path, video: str, fps: float | str, classes: list[str]) -> Raised:
    """Replay footage with a zone over the whole picture, a rule for visits, one for loitering."""
    site = folder / "site.yaml"
    camera = {"source": "x.mp4", "model": "yolox", "classes": classes, "fps": fps}
    zone = {"camera": "it", "kind": "zone", "points": WHOLE, "dwell_s": 15}
    document = {
        "version": 1,
        "site": "accuracy",
        "cameras": {"it": camera},
        "sensors": {"all": zone},
        "rules": {
            "visit": {
                "when": {"sensor": "all", "trigger": "entered"},
                "group": {"by": "track", "within_s": 1},
            },
            "loiter": {
                "when": {"sensor": "all", "trigger": "dwelled"},
                "group": {"by": "track", "within_s": 1},
            },
        },
    }
    site.write_text(yaml.safe_dump(document), encoding="utf-8")
    triggers, events = folder / "t.jsonl", folder / "e.jsonl"
    arguments = ["--site", site, "--camera", "it", "--video", fixture(video)]
    arguments += [
        "--model-file",
        fixture(MODEL),
        "--triggers-out",
        triggers,
        "--events-out",
        events,
    ]
    assert replay.run([str(argument) for argument in arguments]) == 0
    rows = [json.loads(line) for line in events.read_text(encoding="utf-8").splitlines()]
    return Raised(
        [json.loads(line) for line in triggers.read_text(encoding="utf-8").splitlines()],
        [row for row in rows if row["state"] == "opened"],
    )


@pytest.mark.parametrize("fps", [5, "native"])
def test_each_of_six_people_is_one_visit_and_three_of_them_loiter(
    tmp_path: Path, fps: float | str
) -> None:
    truth = json.loads(fixture("events/one_by_one_person.json").read_text(encoding="utf-8"))
    raised = replayed(tmp_path, "videos/one-by-one-person-detection.mp4", fps, ["person"])
    visits = [row["opened_t"] for row in raised.opened if row["rule"] == "visit"]
    loiters = [row["opened_t"] for row in raised.opened if row["rule"] == "loiter"]
    entered = [row["t"] for row in raised.triggers if row["trigger"] == "entered"]
    begun = [visit["first_index"] / truth["fps"] for visit in truth["presence"]]
    assert entered == pytest.approx(begun, abs=LEAD_S)
    assert visits == pytest.approx(begun, abs=LEAD_S)
    long = [
        at + 15 for at, visit in zip(begun, truth["presence"], strict=True) if visit["seconds"] > 15
    ]
    assert loiters == pytest.approx(long, abs=LEAD_S)


@pytest.mark.parametrize("fps", [5, "native"])
def test_nothing_is_raised_in_an_empty_stretch(tmp_path: Path, fps: float | str) -> None:
    classes = ["person", "bicycle", "car"]
    raised = replayed(tmp_path, "videos/person-bicycle-car-detection_trim459.mp4", fps, classes)
    assert [row for row in raised.opened if 170 / 12 + LEAD_S < row["opened_t"] < 288 / 12] == []
    assert len([row for row in raised.opened if row["rule"] == "visit"]) >= 3


@pytest.mark.parametrize("fps", [5, "native"])
def test_bottles_are_no_people(tmp_path: Path, fps: float | str) -> None:
    assert replayed(tmp_path, "videos/bottle-detection.mp4", fps, ["person"]).opened == []
