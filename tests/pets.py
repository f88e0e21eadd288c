"""The PETS 2009 footage as a site: its configuration, and its crossings against the ground truth."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.fixtures import fixture

SITE = "pets"
VIDEO = "videos/vtest_480x360_10fps.mp4"
MODEL = "models/yolox_nano.onnx"
TOLERANCE_S = 1.5
"""A crossing matches one of the truth of its direction at most this far away."""


@dataclass(frozen=True)
class Crossing:
    """One crossing of the line: seconds since the first frame, and the direction."""

    t: float
    direction: str


def video() -> Path:
    """Return the footage, or skip the test."""
    return fixture(VIDEO)


def model_file() -> Path:
    """Return the detector's weights, or skip the test."""
    return fixture(MODEL)


def site_yaml(cameras: dict[str, str], *, clip: bool = False) -> str:
    """Return the configuration of cameras (name → pace) that all show the footage.

    Each has the line ``seg_a`` of the ground truth and one rule for each direction.
    """
    document: dict[str, object] = {"version": 1, "site": SITE}
    sensors: dict[str, object] = {}
    rules: dict[str, object] = {}
    for name in cameras:
        sensors[f"{name}-seg-a"] = {
            "camera": name,
            "kind": "line",
            "points": [[0.45, 0.24], [0.45, 0.60]],
            "classes": ["person"],
        }
        for direction in ("forward", "backward"):
            rule: dict[str, object] = {
                "when": {"sensor": f"{name}-seg-a", "trigger": "crossed", "direction": direction},
                "group": {"by": "track", "within_s": 5},
                "severity": "alert",
            }
            if clip:
                rule["evidence"] = {"clip": {"before_s": 2, "after_s": 2}}
            rules[f"{name}-{direction}"] = rule
    document["cameras"] = {
        name: {
            "source": str(video()),
            "model": "yolox",
            "classes": ["person"],
            "fps": "native",
            "pace": pace,
        }
        for name, pace in cameras.items()
    }
    document["sensors"] = sensors
    document["rules"] = rules
    return yaml.safe_dump(document, sort_keys=False)


def true_crossings() -> list[Crossing]:
    """Return the ground truth of ``seg_a``: ``+`` is forward."""
    truth = json.loads(fixture("events/pets_s2l1.json").read_text())
    (line,) = (line for line in truth["lines"] if line["name"] == "seg_a")
    names = {"+": "forward", "-": "backward"}
    return [Crossing(event["t_s"], names[event["direction"]]) for event in line["events"]]


def f1(found: list[Crossing], truth: list[Crossing]) -> float:
    """Return the F1 score of crossings, each matched to the nearest free one of the truth."""
    free = list(truth)
    hits = 0
    for crossing in sorted(found, key=lambda c: c.t):
        near = [
            true
            for true in free
            if true.direction == crossing.direction and abs(true.t - crossing.t) <= TOLERANCE_S
        ]
        if near:
            free.remove(min(near, key=lambda true: abs(true.t - crossing.t)))
            hits += 1
    return 2 * hits / (len(found) + len(truth)) if found or truth else 1.0
