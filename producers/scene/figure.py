"""A walking person seen from the side: joints, limbs and clothes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from producers.scene.place import Point
from producers.scene.shapes import Colour, Shape, capsule, limb, shaded

STRIDE = 0.83
"""Length of a double step in body heights: about 1.4 m at 1.7 m."""

_THIGH, _SHANK, _ANKLE = 0.245, 0.245, 0.035
_TRUNK, _NECK = 0.30, 0.055
_HEAD_RADIUS = 0.068
_UPPER_ARM, _FOREARM = 0.165, 0.15
"""Lengths in body heights, after the proportions in Winter, Biomechanics, fig. 4.1."""
_HIP_SWING, _KNEE_SWING, _KNEE_REST = 0.46, 0.75, 0.08
_SHOULDER_SWING, _ELBOW_REST = 0.5, 0.35
"""Radians."""
_FAR = 0.72
"""The far arm and leg are in the body's own shade."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a person looks like."""

    stature: float
    """Height as a part of the middle height."""
    jacket: Colour
    trousers: Colour
    hair: Colour
    skin: Colour
    bag: Colour | None


@dataclass(frozen=True, slots=True)
class Pose:
    """How a person stands in one frame."""

    foot: Point
    """The ground below the hip, pixels."""
    height: float
    """Pixels, standing upright."""
    phase: float
    """Radians into the double step."""
    stride: float
    """1 walking, 0 standing."""
    facing: int
    """1 to the right, -1 to the left."""


def figure(look: Look, pose: Pose) -> tuple[Shape, ...]:
    """Return the shapes of a person, hindmost first; the lower foot stands on the ground."""
    return _Body(look, pose).shapes()


class _Body:
    """Works out the joints; y runs downwards from the hip until the body is set on the ground."""

    def __init__(self, look: Look, pose: Pose) -> None:
        self._look, self._pose, self._unit = look, pose, pose.height
        soles = [
            max(point[1] for point in self._leg((0.0, 0.0), phase)[1:]) for phase in self._steps
        ]
        self._hip = (pose.foot[0], pose.foot[1] - max(soles) - _ANKLE * self._unit)
        lean = 0.025 * pose.stride * self._unit * pose.facing
        self._shoulder = (self._hip[0] + lean, self._hip[1] - (_TRUNK - 0.045) * self._unit)

    @property
    def _steps(self) -> tuple[float, float]:
        """The phases of the far leg and the near one."""
        return self._pose.phase + math.pi, self._pose.phase

    def shapes(self) -> tuple[Shape, ...]:
        far, near = self._steps
        trousers, jacket = self._look.trousers, self._look.jacket
        return (
            *self._arm_shapes(far, shaded(jacket, _FAR)),
            *self._leg_shapes(far, shaded(trousers, _FAR)),
            *self._leg_shapes(near, trousers),
            *self._bag_shapes(),
            *self._trunk_shapes(),
            *self._head_shapes(),
            *self._arm_shapes(near, shaded(jacket, 0.9)),
        )

    def _hang(self, start: Point, length: float, angle: float) -> Point:
        """Return the end of a limb that hangs at an angle, forwards positive."""
        reach = length * self._unit
        return (
            start[0] + self._pose.facing * reach * math.sin(angle),
            start[1] + reach * math.cos(angle),
        )

    def _leg(self, hip: Point, phase: float) -> tuple[Point, Point, Point]:
        """Return knee, ankle and toes; the knee bends while the leg swings forward."""
        thigh = _HIP_SWING * self._pose.stride * math.sin(phase)
        bend = self._pose.stride * (_KNEE_REST + _KNEE_SWING * max(0.0, math.cos(phase)))
        knee = self._hang(hip, _THIGH, thigh)
        ankle = self._hang(knee, _SHANK, thigh - bend)
        toes = self._hang(ankle, 0.085, math.pi / 2 + 0.5 * (thigh - bend) - 0.05)
        return knee, ankle, toes

    def _leg_shapes(self, phase: float, colour: Colour) -> tuple[Shape, ...]:
        knee, ankle, toes = self._leg(self._hip, phase)
        u = self._unit
        shoe = Shape(capsule(ankle, toes, 0.035 * u, 0.024 * u).points, (28, 30, 34))
        return (
            shoe,
            *limb(knee, ankle, 0.047 * u, 0.033 * u, colour),
            *limb(self._hip, knee, 0.068 * u, 0.049 * u, colour),
        )

    def _arm_shapes(self, phase: float, colour: Colour) -> tuple[Shape, ...]:
        swing = -_SHOULDER_SWING * self._pose.stride * math.sin(phase)
        elbow = self._hang(self._shoulder, _UPPER_ARM, swing)
        wrist = self._hang(elbow, _FOREARM, swing + _ELBOW_REST * (0.3 + self._pose.stride))
        u = self._unit
        hand = Shape(capsule(wrist, wrist, 0.027 * u, 0.027 * u).points, self._look.skin)
        return (
            hand,
            *limb(elbow, wrist, 0.034 * u, 0.026 * u, colour),
            *limb(self._shoulder, elbow, 0.042 * u, 0.035 * u, colour),
        )

    def _trunk_shapes(self) -> tuple[Shape, ...]:
        u = self._unit
        low = (self._hip[0], self._hip[1] - 0.005 * u)
        return limb(self._shoulder, low, 0.087 * u, 0.079 * u, self._look.jacket)

    def _bag_shapes(self) -> tuple[Shape, ...]:
        if self._look.bag is None:
            return ()
        u, back = self._unit, -self._pose.facing * 0.085 * self._unit
        top = (self._shoulder[0] + back, self._shoulder[1] + 0.02 * u)
        bottom = (self._hip[0] + back, self._hip[1] - 0.08 * u)
        return limb(top, bottom, 0.05 * u, 0.06 * u, self._look.bag)

    def _head_shapes(self) -> tuple[Shape, ...]:
        u, facing = self._unit, self._pose.facing
        x = self._shoulder[0] + 0.012 * u * facing
        y = self._shoulder[1] - (_NECK + 0.045 + _HEAD_RADIUS) * u
        radius = _HEAD_RADIUS * u
        neck = capsule((x, y + radius), self._shoulder, 0.034 * u, 0.04 * u)
        face = capsule((x, y - 0.1 * radius), (x, y + 0.35 * radius), radius * 0.86, radius * 0.72)
        crown = capsule(
            (x - 0.12 * radius * facing, y - 0.42 * radius),
            (x - 0.38 * radius * facing, y + 0.1 * radius),
            radius * 0.82,
            radius * 0.62,
        )
        nose = Shape(
            np.array([(x + facing * radius * a, y + radius * b) for a, b in _NOSE]),
            self._look.skin,
        )
        skin = self._look.skin
        return (
            Shape(neck.points, shaded(skin, 0.8)),
            Shape(face.points, skin),
            nose,
            Shape(crown.points, self._look.hair),
        )


_NOSE = ((0.7, -0.1), (1.0, 0.25), (0.7, 0.35))
"""In head radii."""
