"""Who passes when: a minute's programme, varied by seed and by minute, for ever.

A cycle is a pure function of the seed and its number, and all who appear in it are gone before it
ends, so any frame is known without those before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np

from producers.scene.car import LENGTH
from producers.scene.figure import Look
from producers.scene.place import FPS, WIDTH
from producers.scene.shapes import Colour
from producers.scene.way import Stop, Way, way_through

_Thing = TypeVar("_Thing")

CYCLE_S = 60
CYCLE_FRAMES = CYCLE_S * FPS

_OUT = 45.0
"""Pixels beyond the picture at which people begin and end."""
_LEFT, _RIGHT = -_OUT, WIDTH + _OUT
_ROAD_ROW = 131.0
_SPEED_VARIES, _START_VARIES_S, _ROW_VARIES = 0.05, 0.3, 4.0
_STATURE = (0.95, 1.06)

# Far from the grey of paths and lawns, so that people can be seen in black and white too.
_JACKETS: tuple[Colour, ...] = (
    (38, 32, 128), (96, 50, 30), (226, 228, 230), (40, 44, 46), (70, 34, 78),
    (206, 216, 236), (34, 62, 30), (44, 206, 238),
)  # fmt: skip
_TROUSERS: tuple[Colour, ...] = ((58, 40, 30), (34, 36, 40), (66, 46, 34), (30, 38, 52))
_HAIR: tuple[Colour, ...] = ((22, 26, 34), (30, 44, 66), (46, 50, 52), (24, 20, 22))
_SKIN: tuple[Colour, ...] = ((148, 178, 222), (110, 146, 196), (70, 98, 146), (150, 186, 230))
_BAGS: tuple[Colour | None, ...] = (None, (40, 30, 26), None, (30, 36, 96))
_PAINTS: tuple[Colour, ...] = ((222, 222, 218), (36, 30, 150), (72, 40, 26), (210, 214, 222))


@dataclass(frozen=True, slots=True)
class Act:
    """A line of the programme before variation: when someone sets out, how fast, which way."""

    start_s: float
    speed: float
    """Pixels a second."""
    stops: tuple[Stop, ...]


@dataclass(frozen=True, slots=True)
class Walker:
    """A person of one cycle."""

    name: str
    way: Way
    """Times in seconds of the cycle."""
    look: Look
    start_phase: float


@dataclass(frozen=True, slots=True)
class Car:
    """A car of one cycle."""

    name: str
    way: Way
    """Times in seconds of the cycle; places are on the road below the car's middle."""
    colour: Colour


@dataclass(frozen=True, slots=True)
class Cycle:
    """All who appear in one cycle."""

    walkers: tuple[Walker, ...]
    cars: tuple[Car, ...]


_MINUTES: tuple[tuple[Act, ...], ...] = (
    (
        Act(1.5, 66, (Stop(_LEFT, 238), Stop(_RIGHT, 242))),
        Act(5.5, 68, (Stop(_LEFT, 246), Stop(_RIGHT, 244))),
        # A jogger.
        Act(17.5, 120, (Stop(_RIGHT, 236), Stop(_LEFT, 240))),
        # Stands on the lawn for a moment, then on to the path.
        Act(24.0, 75, (Stop(_LEFT, 324), Stop(250, 326), Stop(440, 318, 2.2), Stop(600, 262),
                       Stop(_RIGHT, 248))),
        # Along the path, over the line, then across the lawn.
        Act(31.0, 80, (Stop(_LEFT, 234), Stop(300, 240), Stop(420, 314), Stop(_RIGHT, 330))),
        Act(41.5, 86, (Stop(_RIGHT, 250), Stop(590, 252), Stop(470, 314), Stop(_LEFT, 330))),
        Act(45.0, 72, (Stop(_RIGHT, 236), Stop(_LEFT, 242))),
        Act(48.2, 74, (Stop(_RIGHT, 248), Stop(_LEFT, 240))),
    ),
    (
        Act(1.0, 76, (Stop(_RIGHT, 244), Stop(_LEFT, 238))),
        # A short cut over the lawn, from right to left.
        Act(4.6, 72, (Stop(_RIGHT, 322), Stop(440, 318), Stop(250, 328), Stop(_LEFT, 326))),
        Act(16.5, 66, (Stop(_LEFT, 236), Stop(_RIGHT, 240))),
        Act(20.5, 64, (Stop(_LEFT, 246), Stop(_RIGHT, 242))),
        Act(33.5, 84, (Stop(_RIGHT, 246), Stop(600, 250), Stop(470, 312, 1.6), Stop(350, 252),
                       Stop(_LEFT, 240))),
        # A jogger.
        Act(46.5, 125, (Stop(_LEFT, 240), Stop(_RIGHT, 236))),
        Act(48.6, 100, (Stop(_LEFT, 318), Stop(400, 322), Stop(_RIGHT, 316))),
    ),
)  # fmt: skip
_CARS: tuple[tuple[Act, ...], ...] = (
    (
        Act(10.0, 150, (Stop(WIDTH + LENGTH, _ROAD_ROW), Stop(-LENGTH, _ROAD_ROW))),
        Act(50.0, 170, (Stop(-LENGTH, _ROAD_ROW), Stop(WIDTH + LENGTH, _ROAD_ROW))),
    ),
    (Act(27.0, 160, (Stop(WIDTH + LENGTH, _ROAD_ROW), Stop(-LENGTH, _ROAD_ROW))),),
)  # fmt: skip


@lru_cache(maxsize=16)
def cycle(seed: int, number: int) -> Cycle:
    """Return the cycle ``number`` (from 0) of a scene; ``seed`` is 0 or more."""
    random = np.random.default_rng((seed, number, 1))
    minute = number % len(_MINUTES)
    walkers = tuple(
        Walker(
            name=f"walker-{number}-{index}",
            way=_varied(act, random),
            look=_look(random),
            start_phase=float(random.uniform(0, 2 * np.pi)),
        )
        for index, act in enumerate(_MINUTES[minute])
    )
    cars = tuple(
        Car(
            name=f"car-{number}-{index}",
            way=way_through(act.stops, act.start_s, act.speed),
            colour=_one_of(_PAINTS, random),
        )
        for index, act in enumerate(_CARS[minute])
    )
    return Cycle(walkers, cars)


def _varied(act: Act, random: np.random.Generator) -> Way:
    start_s = act.start_s + random.uniform(-1, 1) * _START_VARIES_S
    speed = act.speed * (1 + random.uniform(-1, 1) * _SPEED_VARIES)
    row = random.uniform(-1, 1) * _ROW_VARIES
    stops = [Stop(stop.x, stop.y + row, stop.pause_s) for stop in act.stops]
    return way_through(stops, start_s, speed)


def _look(random: np.random.Generator) -> Look:
    return Look(
        stature=float(random.uniform(*_STATURE)),
        jacket=_one_of(_JACKETS, random),
        trousers=_one_of(_TROUSERS, random),
        hair=_one_of(_HAIR, random),
        skin=_one_of(_SKIN, random),
        bag=_one_of(_BAGS, random),
    )


def _one_of(things: tuple[_Thing, ...], random: np.random.Generator) -> _Thing:
    return things[int(random.integers(len(things)))]
