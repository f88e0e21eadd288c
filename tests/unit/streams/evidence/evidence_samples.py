"""Events, frames and requests for the tests of evidence."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import numpy as np

from schemas.errors import Rejected
from schemas.records import Event, Frame
from streams.evidence.frames import EXPIRED
from streams.evidence.index import Entry, FrameIndex
from streams.evidence.requests import Request

OPENED_AT = 1_700_000_000_000
SITE = "depot-7"


def frame_provenance(at: int, score: float, offset: int = 7) -> dict[str, Any]:
    box = [0.2, 0.3, 0.4, 0.9]
    return {"partition": 3, "offset": offset, "captured_at": at, "box": box, "score": score}


def opened_event(frames: Sequence[dict[str, Any]] = (), **changes: Any) -> Event:
    candidates = [{"candidate": "c", "camera": "gate", "frame": frame} for frame in frames]
    fields: dict[str, Any] = {
        "event_id": "e-1",
        "site": SITE,
        "rule": "intrusion",
        "camera": "gate",
        "sensor": "lawn",
        "state": "opened",
        "revision": 1,
        "severity": "alert",
        "mode": "live",
        "group_key": "gate",
        "at": OPENED_AT,
        "opened_at": OPENED_AT,
        "triggers": 1,
        "tracks": "[]",
        "class_name": "person",
        "score": 0.8,
        "verdict": "accepted",
        "config_version": 1,
        "model": "yolox",
        "model_version": "1",
        "provenance": json.dumps(candidates),
    }
    return Event(**{**fields, **changes})


def grey_jpeg(level: int, width: int = 64, height: int = 48) -> bytes:
    done, data = cv2.imencode(".jpg", np.full((height, width, 3), level, np.uint8))
    assert done
    return data.tobytes()


def sample_frame(at: int, camera: str = "gate", jpeg: bytes | None = None) -> Frame:
    return Frame(
        site=SITE,
        camera=camera,
        epoch_at=OPENED_AT,
        seq=0,
        captured_at=at,
        config_version=1,
        width=64,
        height=48,
        source_width=64,
        source_height=48,
        jpeg=grey_jpeg(90) if jpeg is None else jpeg,
    )


def sample_request(**changes: Any) -> Request:
    fields: dict[str, Any] = {
        "kind": "clip",
        "site": SITE,
        "camera": "gate",
        "event_id": "e-1",
        "from_at": OPENED_AT - 1000,
        "to_at": OPENED_AT + 2000,
        "label": "intrusion",
    }
    return Request(**{**fields, **changes})


class KeptFrames:
    """A topic of frames in memory, of which some have expired."""

    def __init__(self, frames: Sequence[Frame], expired_below: int = 0) -> None:
        self.frames = frames
        self.expired_below = expired_below

    def index(self) -> FrameIndex:
        index = FrameIndex()
        for offset, frame in enumerate(self.frames):
            index.add_frame(frame.camera, Entry(frame.captured_at, 0, offset))
        return index

    def read_one(self, partition: int, offset: int) -> Frame:
        for frame in self.read_many([Entry(0, partition, offset)]):
            return frame
        raise Rejected(f"frame {offset} has expired", reason=EXPIRED)

    def read_many(self, entries: Sequence[Entry]) -> Iterator[Frame]:
        for entry in entries:
            if self.expired_below <= entry.offset < len(self.frames):
                yield self.frames[entry.offset]
