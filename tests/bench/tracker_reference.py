"""The trackers that ours is measured beside; runs in an environment of its own.

``python -m tests.bench.tracker`` installs it in a temporary folder and hands each sequence in as
JSON on standard input: ``fps``, ``rounds`` and ``frames``, each frame a list of boxes ``[x1, y1, x2,
y2, score]`` in pixels.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np
import supervision  # type: ignore[import-not-found]
from trackers import (  # type: ignore[import-not-found]
    ByteTrackTracker,
    OCSORTTracker,
)

KINDS = {"ByteTrack": ByteTrackTracker, "OC-SORT": OCSORTTracker}


def run(kind: Any, fps: float, frames: list[list[list[float]]]) -> dict[str, Any]:
    """Return the rows ``[frame, id, x1, y1, x2, y2]`` and the µs a frame of one tracker."""
    tracker = kind(frame_rate=fps)
    rows, spent_s = [], 0.0
    for number, boxes in enumerate(frames, start=1):
        numbers = np.array(boxes, dtype=float).reshape(-1, 5)
        detections = supervision.Detections(
            xyxy=numbers[:, :4],
            confidence=numbers[:, 4],
            class_id=np.zeros(len(numbers), dtype=int),
        )
        began = time.process_time()
        tracked = tracker.update(detections)
        spent_s += time.process_time() - began
        for box, name in zip(tracked.xyxy.tolist(), tracked.tracker_id.tolist(), strict=True):
            if name >= 0:
                rows.append([number, name, *box])
    return {"rows": rows, "us": 1e6 * spent_s / len(frames)}


def best(kind: Any, asked: dict[str, Any]) -> dict[str, Any]:
    """Return the same with the least time of the rounds."""
    runs = [run(kind, asked["fps"], asked["frames"]) for _ in range(asked["rounds"])]
    return min(runs, key=lambda found: found["us"])


def main() -> None:
    """Answer what stands on standard input with each tracker's rows and times."""
    asked = json.load(sys.stdin)
    found = {name: best(kind, asked) for name, kind in KINDS.items()}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
