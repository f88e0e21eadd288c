"""Which site a demo runs: the drawn scene's, a given one over footage, or a plain one for footage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from infra.cli.configuring import unreadable
from producers import scene
from schemas.errors import Rejected
from schemas.site import canonical, check

CAMERA = "camera"


def text_for(video: Path | None, site: Path | None, model: str | None) -> str:
    """Return the YAML text of the site to run.

    With a video, the cameras of ``site`` all show it; without ``site``, one camera gets a line
    down the middle, a zone in the lower half and a rule for each.

    Raises:
        Rejected: the site file is missing or faulty.
    """
    if site is None:
        return scene.site_yaml() if video is None else _plain(video, model)
    try:
        text = site.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Rejected(unreadable(site, error)) from error
    checked = check(text)
    if checked.config is None:
        raise Rejected("\n".join(f"{site}: {fault}" for fault in checked.faults))
    if video is None and model is None:
        return text
    document: dict[str, Any] = json.loads(canonical(checked.config))
    for camera in document["cameras"].values():
        if video is not None:
            camera["source"] = str(video.resolve())
        if model is not None:
            camera.pop("models", None)
            camera["model"] = model
    return _dump(document)


def _plain(video: Path, model: str | None) -> str:
    return _dump(
        {
            "version": 1,
            "site": scene.SITE,
            "cameras": {
                CAMERA: {
                    "source": str(video.resolve()),
                    "model": model or "foreground",
                    "fps": "native",
                }
            },
            "sensors": {
                "middle": {
                    "camera": CAMERA,
                    "kind": "line",
                    "points": [[0.5, 0.0], [0.5, 1.0]],
                },
                "front": {
                    "camera": CAMERA,
                    "kind": "zone",
                    "points": [[0.0, 0.5], [1.0, 0.5], [1.0, 1.0], [0.0, 1.0]],
                },
            },
            "rules": {
                "crossing": {
                    "when": {"sensor": "middle", "trigger": "crossed"},
                    "group": {"by": "track", "within_s": 5},
                    "severity": "info",
                },
                "presence": {
                    "when": {"sensor": "front", "trigger": "entered"},
                    "evidence": {"clip": {"before_s": 2, "after_s": 3}},
                },
            },
        }
    )


def _dump(document: dict[str, Any]) -> str:
    return yaml.safe_dump(document, sort_keys=False)
