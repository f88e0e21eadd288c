"""The site configuration that fits the scene."""

from __future__ import annotations

import yaml

from producers.scene.place import CAMERA, FPS, LINE, LINE_SENSOR, SITE, ZONE, ZONE_SENSOR

_CLIP = {"clip": {"before_s": 2, "after_s": 3}}


def site_yaml() -> str:
    """Return the YAML text of a site with this one camera, its sensors and its rules."""
    crossing = {"sensor": LINE_SENSOR, "trigger": "crossed"}
    by_track = {"by": "track", "within_s": 5}
    document = {
        "version": 1,
        "site": SITE,
        "cameras": {
            CAMERA: {"source": f"synthetic:{CAMERA}?seed=1", "model": "foreground", "fps": FPS}
        },
        "sensors": {
            LINE_SENSOR: {
                "camera": CAMERA,
                "kind": "line",
                "points": [list(point) for point in LINE],
                "classes": ["object"],
            },
            ZONE_SENSOR: {
                "camera": CAMERA,
                "kind": "zone",
                "points": [list(point) for point in ZONE],
                "classes": ["object"],
            },
        },
        "rules": {
            "crossing-in": {
                "when": {**crossing, "direction": "forward"},
                "group": dict(by_track),
                "severity": "info",
                "evidence": {"snapshot": True},
            },
            "crossing-out": {
                "when": {**crossing, "direction": "backward"},
                "group": dict(by_track),
                "severity": "warning",
                "evidence": {"snapshot": True},
            },
            "intrusion": {
                "when": {"sensor": ZONE_SENSOR, "trigger": "entered"},
                "group": {"by": "camera", "within_s": 10},
                "severity": "alert",
                "evidence": _CLIP,
            },
        },
    }
    return yaml.safe_dump(document, sort_keys=False)
