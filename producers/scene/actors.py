"""Who is in the picture in one frame: their shapes and true boxes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from producers.scene.car import LENGTH, WHEEL_RADIUS, CarPose, car
from producers.scene.figure import STRIDE, Pose, figure
from producers.scene.place import FPS, HEIGHT, WIDTH, Point, person_height
from producers.scene.programme import CYCLE_FRAMES, Car, Walker, cycle
from producers.scene.shapes import PixelBox, Shape, box_around


@dataclass(frozen=True, slots=True)
class Drawn:
    """A person or a car as drawn in one frame."""

    name: str
    shapes: tuple[Shape, ...]
    """Hindmost first; without the shadow."""
    ground: Point
    """Where it stands, pixels."""
    shadow: Point
    """Half width and half height of its shadow, pixels."""

    @property
    def box(self) -> PixelBox:
        """The box around its shapes."""
        return box_around(self.shapes)


def actors(seed: int, index: int) -> list[Drawn]:
    """Return all who are in frame ``index``, the farthest first."""
    number, frame = divmod(index, CYCLE_FRAMES)
    at_s = frame / FPS
    cast = cycle(seed, number)
    drawn = [walker_at(one, at_s) for one in cast.walkers if _on(one, at_s)]
    drawn += [car_at(one, at_s) for one in cast.cars if _on(one, at_s)]
    return sorted(drawn, key=lambda one: (one.ground[1], one.name))


def walker_at(walker: Walker, at_s: float) -> Drawn:
    """Return a person at a time of their cycle."""
    x, y = walker.way.place(at_s)
    height = person_height(y) * walker.look.stature
    # Steps follow the distance gone, so that feet do not slide; one length for the whole way.
    steps = walker.way.distance(at_s) / (STRIDE * walker.way.mean_height * walker.look.stature)
    pose = Pose(
        foot=(x, y),
        height=height,
        phase=walker.start_phase + 2 * math.pi * steps,
        stride=walker.way.stride(at_s),
        facing=walker.way.facing(at_s),
    )
    return Drawn(walker.name, figure(walker.look, pose), (x, y), (0.2 * height, 0.035 * height))


def car_at(one: Car, at_s: float) -> Drawn:
    """Return a car at a time of its cycle."""
    place = one.way.place(at_s)
    facing = one.way.facing(at_s)
    pose = CarPose(place, facing, facing * one.way.distance(at_s) / WHEEL_RADIUS)
    return Drawn(one.name, car(one.colour, pose), place, (0.5 * LENGTH, 5.0))


def visible(box: PixelBox) -> PixelBox | None:
    """Return the part of a box within the picture, normalised; None where there is none."""
    x1, x2 = (min(max(x / WIDTH, 0.0), 1.0) for x in (box[0], box[2]))
    y1, y2 = (min(max(y / HEIGHT, 0.0), 1.0) for y in (box[1], box[3]))
    return (x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None


def _on(one: Walker | Car, at_s: float) -> bool:
    return one.way.start_s <= at_s <= one.way.end_s
