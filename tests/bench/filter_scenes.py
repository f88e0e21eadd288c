"""Simulated detections with a known truth: people who come and go, and what is taken for people.

A camera looks down a street: whoever stands at the lower edge is tall. Scores, misses and the
trembling of boxes are as measured of YOLOX-nano on PETS 2009 and indoor footage.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

FPS = 5
WIDTH, HEIGHT = 1280, 720
HORIZON = 0.15
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Seen:
    """One detection: the box is normalised; ``source`` names the object, ``kind`` what it is."""

    box: Box
    score: float
    source: str
    kind: str


Frames = list[list[Seen]]
Maker = Callable[[random.Random, Frames, str], None]


def person_height(foot: float) -> float:
    """Return how tall a grown-up with the feet at ``foot`` is, share of the picture."""
    return 0.6 * (foot - HORIZON)


def scene(seed: int, seconds: int) -> Frames:
    """Return the detections of one camera's frames, at ``FPS``."""
    chance = random.Random(seed)
    frames: Frames = [[] for _ in range(seconds * FPS)]
    for kind, (make, per_minute) in SOURCES.items():
        count = max(1, round(per_minute * seconds / 60))
        for index in range(count):
            make(chance, frames, f"{kind}/{seed}/{index}")
    for found in frames:
        chance.shuffle(found)
    return frames


def _put(
    chance: random.Random,
    frames: Frames,
    source: str,
    way: Iterator[tuple[float, float, float, float]],
    start: int,
    *,
    score: float,
    tremble: float = 0.02,
    seen: float = 0.93,
) -> None:
    """Write one object's detections: ``way`` yields x, foot, height, width by height, per frame."""
    kind = source.split("/")[0]
    for number, (x, foot, height, aspect) in enumerate(way, start):
        if number >= len(frames) or not -0.05 < x < 1.05:
            return
        if chance.random() > seen:
            continue
        height *= math.exp(chance.gauss(0, tremble))
        width = aspect * height * HEIGHT / WIDTH
        x += chance.gauss(0, tremble * height / 2)
        foot += chance.gauss(0, tremble * height / 2)
        told = min(0.97, max(0.1, chance.gauss(score, 0.07)))
        box = (
            max(0.0, x - width / 2),
            max(0.0, foot - height),
            min(1.0, x + width / 2),
            min(1.0, foot),
        )
        if box[2] - box[0] > 0.002 and box[3] - box[1] > 0.004:
            frames[number].append(Seen(box, told, source, kind))


def _walk(
    chance: random.Random, foot: float, *, speed: float, stands_s: float, size: float, comes: bool
) -> Iterator[tuple[float, float, float, float]]:
    """In from a side, perhaps stand somewhere, and out on the other side."""
    rightwards = chance.random() < 0.5
    x = 0.0 if rightwards else 1.0
    halt = chance.uniform(0.3, 0.7) if stands_s else -1.0
    if not comes:
        x = halt
    waited, drift = 0.0, chance.gauss(0, 0.1)
    while True:
        height = size * person_height(foot)
        yield x, foot, height, 0.4 + 0.05 * math.sin(8 * x)
        passed = (x >= halt) if rightwards else (x <= halt)
        if stands_s and passed and waited < stands_s:
            waited += 1 / FPS
            x += chance.gauss(0, 0.01 * height)
            continue
        if waited >= stands_s > 0 and not comes:
            return
        step = speed * height * HEIGHT / WIDTH / FPS
        x += step if rightwards else -step
        foot = min(0.98, max(HORIZON + 0.1, foot + drift * step))


def _start(chance: random.Random, frames: Frames, length_s: float) -> int:
    return chance.randrange(2 * FPS, max(2 * FPS + 1, len(frames) - int(length_s * FPS)))


def _person(stands_s: float, comes: bool, pace: tuple[float, float]) -> Maker:
    def make(chance: random.Random, frames: Frames, source: str) -> None:
        foot = chance.uniform(0.45, 0.95)
        size = chance.choice([1.0, 1.0, 1.0, 0.95, 1.05, 0.7])
        speed = chance.uniform(*pace)
        way = _walk(chance, foot, speed=speed, stands_s=stands_s, size=size, comes=comes)
        score = min(0.9, max(0.45, chance.gauss(0.72, 0.09)))
        start = _start(chance, frames, 25 + stands_s)
        _put(chance, frames, source, way, start, score=score)

    return make


def _group(chance: random.Random, frames: Frames, source: str) -> None:
    start, foot = _start(chance, frames, 30), chance.uniform(0.5, 0.85)
    for index in range(chance.randrange(2, 5)):
        way = _walk(
            chance,
            foot + 0.04 * index,
            speed=chance.uniform(0.6, 0.9),
            stands_s=0,
            size=1,
            comes=True,
        )
        begins = start + round(index * chance.uniform(0.2, 1.5) * FPS)
        _put(chance, frames, f"{source}/{index}", way, begins, score=0.7)


def _standing(
    x: float, foot: float, height: float, aspect: float, frames: int
) -> Iterator[tuple[float, float, float, float]]:
    for _ in range(frames):
        yield x, foot, height, aspect


def _sign(score: tuple[float, float]) -> Maker:
    def make(chance: random.Random, frames: Frames, source: str) -> None:
        x, foot = chance.uniform(0.05, 0.95), chance.uniform(0.3, 0.9)
        height, mean = chance.uniform(0.06, 0.25), chance.uniform(*score)
        start = 0
        # Somebody passes before it, or the light dims: it goes and comes as another track.
        while start < len(frames):
            lasts = round(chance.uniform(5, 60) * FPS)
            way = _standing(x, foot, height, 0.5, lasts)
            tremble = chance.uniform(0.01, 0.03)
            _put(chance, frames, source, way, start, score=mean, tremble=tremble, seen=0.9)
            start += lasts + round(chance.uniform(3, 20) * FPS)

    return make


def _light(chance: random.Random, frames: Frames, source: str) -> None:
    start = _start(chance, frames, 5)
    for index in range(chance.randrange(5, 13)):
        lasts = round(chance.uniform(1, 4) * FPS)
        x, foot = chance.uniform(0.05, 0.95), chance.uniform(0.25, 0.98)
        way = _drifting(chance, x, foot, chance.uniform(0.05, 0.4), chance.uniform(0.3, 2), lasts)
        begins, score = start + chance.randrange(2), chance.uniform(0.3, 0.6)
        _put(chance, frames, f"{source}/{index}", way, begins, score=score, tremble=0.06, seen=0.85)


def _drifting(
    chance: random.Random, x: float, foot: float, height: float, aspect: float, frames: int
) -> Iterator[tuple[float, float, float, float]]:
    for _ in range(frames):
        x += chance.gauss(0, 0.05 * height)
        foot += chance.gauss(0, 0.03 * height)
        yield x, foot, height, aspect


def _rain(chance: random.Random, frames: Frames, source: str) -> None:
    start, x = _start(chance, frames, 5), chance.uniform(0.05, 0.95)
    lasts, height = chance.randrange(3, 9), chance.uniform(0.1, 0.3)

    def fall() -> Iterator[tuple[float, float, float, float]]:
        foot = chance.uniform(0.3, 0.5)
        for _ in range(lasts):
            yield x, foot, height, chance.uniform(0.06, 0.12)
            foot += chance.uniform(0.15, 0.35) * height

    _put(chance, frames, source, fall(), start, score=chance.uniform(0.3, 0.5), tremble=0.1)


def _insect(chance: random.Random, frames: Frames, source: str) -> None:
    start, lasts = _start(chance, frames, 6), round(chance.uniform(1, 6) * FPS)

    def dart() -> Iterator[tuple[float, float, float, float]]:
        x, foot = chance.uniform(0.1, 0.9), chance.uniform(0.3, 0.9)
        height = chance.uniform(0.1, 0.3)
        for _ in range(lasts):
            height = min(0.5, max(0.05, height * math.exp(chance.gauss(0, 0.3))))
            yield x, foot, height, chance.uniform(0.5, 1.6)
            x += chance.gauss(0, 0.35 * height)
            foot += chance.gauss(0, 0.35 * height)

    _put(chance, frames, source, dart(), start, score=chance.uniform(0.3, 0.6), tremble=0.05)


def _shadow(chance: random.Random, frames: Frames, source: str) -> None:
    start, lasts = _start(chance, frames, 12), round(chance.uniform(3, 12) * FPS)

    def sway() -> Iterator[tuple[float, float, float, float]]:
        x, foot = chance.uniform(0.1, 0.9), chance.uniform(0.5, 0.95)
        height = 0.35 * person_height(foot) * chance.uniform(0.6, 1.2)
        aspect, reach = chance.uniform(1.2, 3), chance.uniform(0.2, 1.2) * height
        period = chance.uniform(2, 5) * FPS
        for number in range(lasts):
            yield x + reach * math.sin(2 * math.pi * number / period), foot, height, aspect

    _put(chance, frames, source, sway(), start, score=chance.uniform(0.3, 0.55), tremble=0.05)


def _flicker(chance: random.Random, frames: Frames, source: str) -> None:
    start, lasts = _start(chance, frames, 8), round(chance.uniform(2, 8) * FPS)
    x, foot = chance.uniform(0.05, 0.95), chance.uniform(0.3, 0.95)
    way = _standing(x, foot, chance.uniform(0.08, 0.3), 0.5, lasts)
    score = chance.uniform(0.35, 0.7)
    _put(chance, frames, source, way, start, score=score, tremble=0.04, seen=0.7)


TRUE = frozenset({"walker", "runner", "group", "lingerer", "stander"})
"""The kinds that are people; the others are false."""
SOURCES: dict[str, tuple[Maker, float]] = {
    "walker": (_person(0, True, (0.5, 1.1)), 2.0),
    "runner": (_person(0, True, (1.5, 3.0)), 0.5),
    "group": (_group, 0.4),
    "lingerer": (_person(60, True, (0.5, 1.0)), 0.4),
    "stander": (_person(60, False, (0.5, 1.0)), 0.1),
    "sign": (_sign((0.35, 0.65)), 0.4),
    "poster": (_sign((0.65, 0.85)), 0.1),
    "light": (_light, 0.6),
    "rain": (_rain, 3.0),
    "insect": (_insect, 2.0),
    "shadow": (_shadow, 2.0),
    "flicker": (_flicker, 2.0),
}
"""How each is made, and how many a minute."""
