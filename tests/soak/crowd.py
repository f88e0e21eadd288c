"""An endless crowd as a detector sees it: people come, walk, stand, hide and go."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from schemas.records import Reading
from streams.core.geometry import Box

START_AT = 1_700_000_000_000
SIZE = (640, 480)
FPS = 10
_ARRIVALS = 0.2
"""People a second: some three are in the picture."""


@dataclass
class Person:
    """One that walks from one side to another, now and then standing still."""

    x: float
    y: float
    speed: float
    height: float
    label: str
    stands_for: int = 0

    def step(self, chance: random.Random) -> None:
        """Walk on for a frame."""
        if self.stands_for:
            self.stands_for -= 1
        elif chance.random() < 0.005:
            self.stands_for = chance.randrange(20, 400)
        else:
            self.x += self.speed / FPS

    def box(self, chance: random.Random) -> Box:
        """Return the box as a detector would: not quite right."""
        x, y = self.x + chance.gauss(0, 0.003), self.y + chance.gauss(0, 0.003)
        height = self.height * chance.uniform(0.95, 1.05)
        return (x - height / 6, y - height, x + height / 6, y)


def readings(camera: str, seed: int) -> Iterator[Reading]:
    """Yield a camera's readings for ever: frames, a beat each second, sometimes a new epoch."""
    chance = random.Random(seed)
    people: list[Person] = []
    epoch_at, seq, at, offset = START_AT, 0, START_AT, 0
    while True:
        if chance.random() < 1e-4:
            at += chance.randrange(1000, 100_000)
            epoch_at, seq, people = at, 0, []
        if chance.random() < _ARRIVALS / FPS:
            people.append(_newcomer(chance))
        for person in people:
            person.step(chance)
        people = [person for person in people if -0.1 < person.x < 1.1]
        shown = [person for person in people if chance.random() > 0.1]
        boxes = [person.box(chance) for person in shown]
        labels = [person.label if chance.random() > 0.02 else "bag" for person in shown]
        if chance.random() < 0.2:
            x, y = chance.random(), chance.random()
            boxes.append((x - 0.05, y - 0.2, x + 0.05, y))
            labels.append("person")
        scores = [chance.uniform(0.2, 0.95) for _ in boxes]
        yield _reading(camera, epoch_at, seq, at, offset, boxes, scores, labels)
        offset, seq = offset + 1, seq + 1
        if seq % FPS == 0:
            yield _reading(camera, epoch_at, -1, at, offset, [], [], [])
            offset += 1
        at += 1000 // FPS


def _newcomer(chance: random.Random) -> Person:
    from_left = chance.random() < 0.5
    speed = chance.uniform(0.03, 0.15)
    y = chance.uniform(0.4, 0.98)
    label = "person" if chance.random() < 0.8 else "car"
    return Person(0.0 if from_left else 1.0, y, speed if from_left else -speed, 0.4 * y, label)


def _reading(
    camera: str,
    epoch_at: int,
    seq: int,
    at: int,
    offset: int,
    boxes: list[Box],
    scores: list[float],
    labels: list[str],
) -> Reading:
    width, height = SIZE if seq >= 0 else (0, 0)
    return Reading(
        kind="frame" if seq >= 0 else "beat",
        camera=camera,
        offset=offset,
        epoch_at=epoch_at,
        seq=seq,
        at=at,
        config_version=1,
        state="online",
        still=False,
        outcome="ok",
        width=width,
        height=height,
        source_width=width,
        source_height=height,
        model="yolox" if seq >= 0 else "",
        model_version="1" if seq >= 0 else "",
        boxes=tuple(value for box in boxes for value in box),
        scores=tuple(scores),
        labels=tuple(labels),
    )
