"""Cameras for the measurement of the rules: many of them, each at 5 frames a second with 5 objects.

The boxes are YOLOX's on the PETS 2009 footage, every second frame of its 10 a second and of each
the part of the picture that holds five objects on average. Every camera walks the footage in a circle from a
place of its own and, as a looped file does, begins an epoch with each round.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from schemas.codec import encode
from schemas.records import Beat, Detections, Reading
from schemas.topics import PARTITIONS
from streams.inference.readings import beat_reading
from tests.bench.core import START_AT, footage

SITE_NAME = "bench"
FPS = 5
RIGHT_EDGE = 0.58
"""Part of the picture's width left of which there are five objects on average."""
FRAME_MS = 1000 // FPS
TURNS = 10
TICK_MS = FRAME_MS // TURNS
Message = tuple[int, bytes]
"""Partition of ``detections``, and value."""
_HEAD = f"version: 1\nsite: {SITE_NAME}\ncameras:\n"
_CAMERA = "  {c}: {{source: gate.mp4}}\n"
_SENSORS = """
  {c}-line: {{camera: {c}, kind: line, points: [[0.45, 0.24], [0.45, 0.60]]}}
  {c}-lawn: {{camera: {c}, kind: zone, dwell_s: 5,
    points: [[0.1, 0.3], [0.6, 0.3], [0.6, 1.0]]}}
  {c}-path: {{camera: {c}, kind: zone, occupancy: {{min: 3, for_s: 1}},
    points: [[0.4, 0.2], [1.0, 0.2], [0.4, 0.7]]}}"""
_RULES = """
  {c}-crossing: {{when: {{sensor: {c}-line, trigger: crossed}}, group: {{by: track}}}}
  {c}-loitering: {{when: {{sensor: {c}-lawn, trigger: dwelled}}}}
  {c}-through: {{when: {{sequence: [{{sensor: {c}-line, trigger: crossed}},
    {{sensor: {c}-lawn, trigger: entered}}], within_s: 20}}}}"""


def names(cameras: int) -> list[str]:
    """Return the names of so many cameras."""
    return [f"camera-{number}" for number in range(cameras)]


def site_yaml(cameras: int) -> str:
    """Return a site in which each camera has a line, two zones, and three rules on them."""
    parts = [
        "".join(template.format(c=name) for name in names(cameras))
        for template in (_CAMERA, _SENSORS, _RULES)
    ]
    return f"{_HEAD}{parts[0]}sensors:{parts[1]}\nrules:{parts[2]}\n"


class Cameras:
    """Every camera's readings, tick by tick, as the messages of ``detections``."""

    def __init__(self, cameras: int, *, readings: int) -> None:
        """Take so many cameras, and put at most so many readings into a message."""
        self._names = names(cameras)
        self._readings = readings
        self._scene = [_left_part(frame) for frame in footage()[::2]]
        self._offsets = [0] * PARTITIONS

    def ticks(
        self, first: int, count: int, *, start_at: int = START_AT, shown: int | None = None
    ) -> Iterator[list[Message]]:
        """Yield what is written at a time: so many frames of each camera, from the ``first`` on.

        A frame's time is ten ticks, in each of which another tenth of the cameras has its turn;
        every fifth frame is followed by a beat. ``shown``: so many of the cameras.
        """
        cameras = list(enumerate(self._names[:shown]))
        for frame in range(first, first + count):
            for turn in range(TURNS):
                yield list(self._tick(frame, turn, cameras[turn::TURNS], start_at))

    def _tick(
        self, frame: int, turn: int, cameras: Sequence[tuple[int, str]], start_at: int
    ) -> Iterator[Message]:
        waiting: list[list[Reading]] = [[] for _ in range(PARTITIONS)]
        for number, name in cameras:
            shown = self._reading(number, name, frame, start_at + turn * TICK_MS)
            waiting[number % PARTITIONS].append(shown)
            if frame % FPS == FPS - 1:
                waiting[number % PARTITIONS].append(self._beat(number, shown))
        for partition, found in enumerate(waiting):
            for start in range(0, len(found), self._readings):
                part = tuple(found[start : start + self._readings])
                record = Detections(site=SITE_NAME, partition=partition, readings=part)
                yield partition, encode(record)

    def _reading(self, number: int, name: str, frame: int, start_at: int) -> Reading:
        # Co-prime to the length, so that no two of a few hundred cameras show the same at once.
        seq = (frame + 37 * number) % len(self._scene)
        begun = max(0, frame - seq)
        return replace(
            self._scene[seq],
            camera=name,
            offset=self._offset(number),
            at=start_at + frame * FRAME_MS,
            epoch_at=start_at + begun * FRAME_MS,
            seq=frame - begun,
            config_version=1,
        )

    def _beat(self, number: int, reading: Reading) -> Reading:
        beat = Beat(
            site=SITE_NAME,
            camera=reading.camera,
            beat_at=reading.at,
            state="online",
            epoch_at=reading.epoch_at,
            config_version=reading.config_version,
        )
        return beat_reading(beat, self._offset(number))

    def _offset(self, number: int) -> int:
        partition = number % PARTITIONS
        self._offsets[partition] += 1
        return self._offsets[partition]


def _left_part(reading: Reading) -> Reading:
    """Return a frame with the objects left of the edge."""
    edges = [reading.boxes[start : start + 4] for start in range(0, len(reading.boxes), 4)]
    kept = [i for i, (x1, _, x2, _) in enumerate(edges) if (x1 + x2) / 2 < RIGHT_EDGE]
    return replace(
        reading,
        boxes=tuple(edge for i in kept for edge in edges[i]),
        scores=tuple(reading.scores[i] for i in kept),
        labels=tuple(reading.labels[i] for i in kept),
    )
