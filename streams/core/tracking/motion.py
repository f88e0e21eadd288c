"""Where an object is and where it goes: a constant-velocity Kalman filter in closed form.

Position (box centre) and size are in frame heights. Both axes share one 2x2 covariance, because
they have the same noise and are observed together; width and height share one variance. All noise
is relative to the longer side of the object's box, as near objects move and jitter more on the
picture (Wojke et al., DeepSORT, 2017, section 2.1), and follows time, not frames.
"""

# ruff: noqa: FURB136
# Called for every object and frame: a comparison costs a third of a call of min or max.

from __future__ import annotations

import math
from dataclasses import dataclass

import msgspec

from streams.core.geometry import Box

CUT = 0.004
"""A box nearer to the picture's border than this (of the picture) is cut by it, or may be."""


@dataclass(frozen=True, slots=True)
class Noise:
    """How far detections and objects stray, in box sizes (the longer side) and seconds.

    Chosen by measurement, one set for all footage: ADR 8.
    """

    measured: float = 0.08
    """Standard deviation of a sure detection's centre."""
    acceleration: float = 0.36
    """Square root of the acceleration's spectral density."""
    first_velocity: float = 2.5
    """Standard deviation of the velocity of an object just seen, per second."""
    measured_size: float = 0.26
    """Standard deviation of a sure detection's size, as a part of it."""
    size_drift: float = 0.3
    """Drift of the true size, as a part of it per square root of a second."""
    unsure: float = 4.0
    """The deviations of a detection with score 0 are larger by this factor, plus one."""
    crowded: float = 1.5
    """So much farther strays the centre where detections compete: they take from each other."""
    crowded_size: float = 2.0
    """The same for the size."""
    strays: float = 0.06
    """Standard deviation of a centre when it is judged whether it is the object's."""
    strays_size: float = 0.54
    """The same of the size, as a part of it: boxes are cut short by what stands before them."""
    trusted: float = 0.4
    """So far from the filter's centre to the detected one lies the object, of 1."""


class Motion(msgspec.Struct, gc=False):
    """State of one object at ``at``."""

    at: int
    x: float
    y: float
    vx: float
    vy: float
    width: float
    height: float
    position_variance: float
    covariance: float
    velocity_variance: float
    size_variance: float
    """Of the size's logarithm."""

    @property
    def size(self) -> float:
        """The longer side of the box, in frame heights."""
        width, height = self.width, self.height
        return width if width >= height else height


def begin(at: int, box: Box, aspect: float, noise: Noise) -> Motion:
    """Return the state of an object first seen at ``at`` ms in ``box``."""
    width, height = (box[2] - box[0]) * aspect, box[3] - box[1]
    size = max(width, height)
    return Motion(
        at=at,
        x=(box[0] + box[2]) / 2 * aspect,
        y=(box[1] + box[3]) / 2,
        vx=0.0,
        vy=0.0,
        width=width,
        height=height,
        position_variance=(noise.measured * size) ** 2,
        covariance=0.0,
        velocity_variance=(noise.first_velocity * size) ** 2,
        size_variance=noise.measured_size**2,
    )


def advance(motion: Motion, at: int, noise: Noise) -> None:
    """Predict ``motion`` at ``at`` ms, in place; white noise on the acceleration.

    Bar-Shalom et al., Estimation with Applications to Tracking and Navigation, section 6.2.2.
    """
    dt = (at - motion.at) / 1000.0
    if dt <= 0:
        return
    width, height = motion.width, motion.height
    growth = (noise.acceleration * (width if width >= height else height)) ** 2 * dt
    velocity_variance, covariance = motion.velocity_variance, motion.covariance
    motion.at = at
    motion.x += motion.vx * dt
    motion.y += motion.vy * dt
    motion.position_variance += dt * (2 * covariance + dt * (velocity_variance + growth / 3))
    motion.covariance = covariance + dt * (velocity_variance + growth / 2)
    motion.velocity_variance = velocity_variance + growth
    motion.size_variance += noise.size_drift * noise.size_drift * dt


def settle(motion: Motion, at: int) -> None:
    """Move to ``at`` ms through a still stretch: nothing has moved, so neither has the object."""
    motion.at = at
    motion.vx = motion.vy = 0.0


def correct(
    motion: Motion, box: Box, aspect: float, score: float, crowded: bool, noise: Noise
) -> None:
    """Take in a detection of the object at ``motion.at``, in place.

    The surer the detector, the nearer its box: Du et al., GIAOTracker, ICCV workshops 2021, 3.3.
    """
    x1, y1, x2, y2 = box
    own_width, own_height = motion.width, motion.height
    unsure = 1 + noise.unsure * (1 - score)
    spread = noise.measured * (own_width if own_width >= own_height else own_height) * unsure
    size_spread = noise.measured_size * unsure
    if crowded:
        spread *= noise.crowded
        size_spread *= noise.crowded_size
    position_variance, covariance = motion.position_variance, motion.covariance
    total = position_variance + spread * spread
    gain = position_variance / total
    velocity_gain = covariance / total
    x, y = motion.x, motion.y
    dx = (x1 + x2) / 2 * aspect - x
    dy = (y1 + y2) / 2 - y
    motion.x = x + gain * dx
    motion.y = y + gain * dy
    motion.vx += velocity_gain * dx
    motion.vy += velocity_gain * dy
    motion.velocity_variance -= velocity_gain * covariance
    motion.position_variance = position_variance * (1 - gain)
    motion.covariance = covariance * (1 - gain)
    size_variance = motion.size_variance
    size_gain = size_variance / (size_variance + size_spread * size_spread)
    motion.width = own_width * ((x2 - x1) * aspect / own_width) ** size_gain
    motion.height = own_height * ((y2 - y1) / own_height) ** size_gain
    motion.size_variance = size_variance * (1 - size_gain)


def surprise(
    motion: Motion, apart: float, box: Box, aspect: float, noise: Noise
) -> tuple[float, float]:
    """Return how unlikely a detection is for this object, and how uncertain its place is.

    ``apart`` is the squared distance of their centres. The first is the squared Mahalanobis
    distance of the centre plus that of the size's logarithm (four degrees of freedom); the second
    the logarithm of the position's variance in squared box sizes.
    """
    width, height = motion.width, motion.height
    size2 = (width if width >= height else height) ** 2
    total = motion.position_variance + noise.strays * noise.strays * size2
    size_variance = motion.size_variance + noise.strays_size * noise.strays_size
    dw = math.log((box[2] - box[0]) * aspect / width)
    dh = math.log((box[3] - box[1]) / height)
    return apart / total + (dw * dw + dh * dh) / size_variance, math.log(total / size2)


def place(motion: Motion, box: Box, aspect: float, noise: Noise) -> Box:
    """Return where the object is that was just detected in ``box``: its size, smoothed, there.

    A box that the picture's border cuts is the best that is known of what is left of the object.
    """
    x1, y1, x2, y2 = box
    if x1 < CUT or y1 < CUT or x2 > 1 - CUT or y2 > 1 - CUT:
        return box
    x, y = motion.x / aspect, motion.y
    x += noise.trusted * ((x1 + x2) / 2 - x)
    y += noise.trusted * ((y1 + y2) / 2 - y)
    half_width, half_height = motion.width / aspect / 2, motion.height / 2
    return x - half_width, y - half_height, x + half_width, y + half_height


def box_of(motion: Motion, aspect: float) -> Box:
    """Return the object's box at ``motion.at``, normalised."""
    half_width, half_height = motion.width / aspect / 2, motion.height / 2
    x = motion.x / aspect
    return x - half_width, motion.y - half_height, x + half_width, motion.y + half_height
