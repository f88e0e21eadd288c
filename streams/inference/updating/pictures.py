"""Pictures to try a model on: the newest frames of the site's cameras, else one that is drawn."""

from __future__ import annotations

import cv2
import numpy as np

from infra.runtime.kafka import Message, read_at
from infra.runtime.tails import tail_offsets
from schemas.codec import decode
from schemas.errors import Rejected
from schemas.records import Frame

SOURCE = "frames"
MOST_PICTURES = 4
_LOOK_BACK = 8
"""Records of a partition; among them stand beats."""


def newest_pictures(bootstrap: str) -> list[bytes]:
    """Return the newest JPEG of up to ``MOST_PICTURES`` cameras, or the drawn one without any.

    Raises:
        Retryable: Kafka does not answer.
    """
    newest: dict[str, Frame] = {}
    for partition, offsets in tail_offsets(bootstrap, SOURCE, _LOOK_BACK).items():
        for message in read_at(bootstrap, SOURCE, partition, offsets):
            frame = _frame(message)
            if frame is not None:
                newest[frame.camera] = frame
    latest = sorted(newest.values(), key=lambda one: one.captured_at, reverse=True)
    return [frame.jpeg for frame in latest[:MOST_PICTURES]] or [drawn_picture()]


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


def _frame(message: Message) -> Frame | None:
    try:
        record = decode(message.value)
    except Rejected:
        # Detection puts it into the dead letters.
        return None
    return record if isinstance(record, Frame) else None
