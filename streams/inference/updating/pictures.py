"""Pictures to try a model on: the newest frames of the site's cameras, else one that is drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import cv2
import numpy as np

from infra.runtime.kafka import Message, read_at
from infra.runtime.tails import tail_offsets
from schemas.codec import decode
from schemas.errors import Rejected
from schemas.records import Frame

SOURCE = "frames"
MOST_PICTURES = 8
LOOK_BACK = 300
"""Records of a partition: about a minute of one camera."""
_SAMPLES = 6


def newest_pictures(bootstrap: str) -> list[bytes]:
    """Return up to ``MOST_PICTURES`` JPEGs of the last minute, or the drawn one without any.

    Raises:
        Retryable: Kafka does not answer.
    """
    frames: list[Frame] = []
    for partition, tail in tail_offsets(bootstrap, SOURCE, LOOK_BACK).items():
        for message in read_at(bootstrap, SOURCE, partition, spread(tail, _SAMPLES)):
            frames += _frames(message)
    return [frame.jpeg for frame in varied(frames, MOST_PICTURES)] or [drawn_picture()]


def spread(offsets: range, count: int) -> list[int]:
    """Return ``count`` of the offsets, the newest among them, evenly apart.

    >>> spread(range(100, 110), 3), spread(range(2), 3)
    ([103, 106, 109], [0, 1])
    """
    step = max(1, len(offsets) // count)
    return sorted(offsets[::-1][::step][:count])


def varied(frames: Iterable[Frame], count: int) -> list[Frame]:
    """Return ``count`` frames: the newest of each camera, then the next of each, and so on."""
    rank: Counter[str] = Counter()
    ranked = []
    for frame in sorted(frames, key=lambda one: one.captured_at, reverse=True):
        ranked.append((rank[frame.camera], frame))
        rank[frame.camera] += 1
    return [frame for _, frame in sorted(ranked, key=lambda one: one[0])][:count]


def drawn_picture() -> bytes:
    """Return a JPEG of 640x360: a lit ground with a standing figure and a box on it."""
    shade = np.linspace(70, 170, 360, dtype=np.uint8)[:, None, None]
    picture = np.ascontiguousarray(np.broadcast_to(shade, (360, 640, 3)))
    cv2.rectangle(picture, (430, 230), (560, 320), (40, 60, 150), -1)
    cv2.ellipse(picture, (220, 130), (16, 20), 0, 0, 360, (120, 150, 200), -1)
    cv2.rectangle(picture, (195, 150), (245, 230), (60, 40, 30), -1)
    for left in (198, 224):
        cv2.rectangle(picture, (left, 230), (left + 18, 310), (90, 60, 40), -1)
    return bytes(cv2.imencode(".jpg", picture)[1])


def _frames(message: Message) -> list[Frame]:
    try:
        record = decode(message.value)
    except Rejected:
        # Detection puts it into the dead letters.
        return []
    return [record] if isinstance(record, Frame) else []
