"""Configurations that the tests start from."""

from __future__ import annotations

from typing import Any

import yaml

from schemas.site import Fault, SiteConfig, check

EXAMPLE = """
version: 1
site: depot-7
timezone: Europe/Madrid
cameras:
  gate:
    source: rtsp://10.0.3.21/stream2
    credentials: {username: viewer, password_env: GATE_PASSWORD}
    model: yolox
    classes: [person, car]
    privacy: [[[0.0, 0.0], [0.2, 0.0], [0.2, 0.3]]]
sensors:
  gate-line: {camera: gate, kind: line, points: [[0.45, 0.24], [0.45, 0.60]], classes: [person]}
  lawn: {camera: gate, kind: zone, points: [[0.1, 0.5], [0.6, 0.5], [0.6, 1.0], [0.1, 1.0]], dwell_s: 30}
rules:
  intrusion:
    when: {sensor: lawn, trigger: entered}
    schedule: ["Mon-Fri 20:00-07:00", "Sat-Sun"]
    evidence: {clip: {before_s: 5, after_s: 10}}
  tailgating:
    when: {sequence: [{sensor: gate-line, trigger: crossed, direction: forward},
                      {sensor: gate-line, trigger: crossed, direction: forward}], within_s: 2, same_track: false}
  left-alone:
    when: {sequence: [{sensor: lawn, trigger: dwelled}, {absent: {sensor: gate-line, trigger: crossed}, for_s: 60}], within_s: 90}
"""

SQUARE = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]
GROUND = {"image": SQUARE, "metres": [[0, 0], [8, 0], [8, 8], [0, 8]]}


def site() -> dict[str, Any]:
    """Return two cameras, one sensor of each kind, one rule; for a test to break."""
    return {
        "version": 1,
        "site": "depot-7",
        "cameras": {
            "a": {"source": "synthetic:walkers", "ground": GROUND},
            "b": {"source": "clips/b.mp4"},
        },
        "sensors": {
            "line": {"camera": "a", "kind": "line", "points": [[0, 0], [1, 1]]},
            "zone": {
                "camera": "a",
                "kind": "zone",
                "points": SQUARE,
                "dwell_s": 5,
                "occupancy": {"min": 2},
            },
            "bare": {"camera": "b", "kind": "zone", "points": SQUARE},
            "tamper": {"camera": "a", "kind": "tamper"},
            "link": {"camera": "b", "kind": "link"},
            "motion": {"camera": "a", "kind": "motion"},
            "stationary": {"camera": "a", "kind": "stationary"},
            "near": {"camera": "a", "kind": "proximity", "classes": ["person", "car"],
                     "distance_m": 2},
        },
        "rules": {"r": {"when": {"sensor": "zone", "trigger": "entered"}}},
    }  # fmt: skip


def faults(document: dict[str, Any]) -> list[Fault]:
    """Check a document as if it were a file."""
    return list(check(yaml.safe_dump(document, sort_keys=False)).faults)


def accepted(document: dict[str, Any]) -> SiteConfig:
    """Check a document that must be good."""
    checked = check(yaml.safe_dump(document, sort_keys=False))
    assert checked.faults == ()
    assert checked.config is not None
    return checked.config
