"""What our core is measured beside: ByteTrack, a LineZone and two PolygonZones of supervision.

``python -m tests.bench.rules`` runs it in an environment of its own that it makes in a temporary folder,
and hands the footage in as JSON on standard input: ``size``, ``fps``, ``rounds``, ``line``, ``zones``
(in parts of the picture) and ``frames``, each frame a list of boxes ``[x1, y1, x2, y2, score]``.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from typing import Any

import numpy as np
import supervision  # type: ignore[import-not-found]


def run(asked: dict[str, Any]) -> tuple[float, int]:
    """Return the µs a frame, and how many crossings there were."""
    width, height = asked["size"]
    scale = np.array([width, height])
    start, end = (supervision.Point(*(np.array(point) * scale)) for point in asked["line"])
    tracker = supervision.ByteTrack(frame_rate=round(asked["fps"]))
    line = supervision.LineZone(start, end, (supervision.Position.BOTTOM_CENTER,))
    zones = [
        supervision.PolygonZone(
            (np.array(zone) * scale).astype(int), (supervision.Position.BOTTOM_CENTER,)
        )
        for zone in asked["zones"]
    ]
    frames = [
        np.array(boxes, dtype=float).reshape(-1, 5) * [width, height, width, height, 1]
        for boxes in asked["frames"]
    ]
    began = time.process_time()
    for numbers in frames:
        detections = supervision.Detections(
            xyxy=numbers[:, :4],
            confidence=numbers[:, 4],
            class_id=np.zeros(len(numbers), dtype=int),
        )
        tracked = tracker.update_with_detections(detections)
        line.trigger(tracked)
        for zone in zones:
            zone.trigger(tracked)
    spent_s = time.process_time() - began
    return 1e6 * spent_s / len(frames), line.in_count + line.out_count


def main() -> None:
    """Answer what stands on standard input with the least of the rounds."""
    warnings.simplefilter("ignore")
    asked = json.load(sys.stdin)
    runs = [run(asked) for _ in range(asked["rounds"])]
    us, crossings = min(runs)
    answer = {"us": us, "crossings": crossings, "version": supervision.__version__}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
