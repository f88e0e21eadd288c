"""What every sensor is: a compiled plan with pure operations on a state of its own.

The operations mutate the state they are given and return what fired. Time comes in the input:
``known_at`` is the time of the frame or deadline that decides, which may be later than the times
of what it decides on.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from schemas.errors import Rejected
from schemas.records import View
from streams.core.geometry import Box, Point
from streams.core.ground import Ground

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Context:
    """What a sensor needs to know of its camera."""

    lost_ms: int
    """After this long unseen a track has ended."""
    ground: Ground | None = None

    def need_ground(self, name: str, key: str) -> Ground:
        """Return the ground plane.

        Raises:
            Rejected: the camera has none.
        """
        if self.ground is None:
            raise Rejected(
                f"sensors.{name}.{key} is in metres, and its camera has no `ground`: "
                "add the four points of the picture and of the ground to the camera",
                reason="no-ground",
            )
        return self.ground


class Seen(msgspec.Struct, frozen=True):
    """One observation of a confirmed track."""

    track: str
    class_name: str
    """The track's class when this became known."""
    at: int
    known_at: int
    aspect: float
    """The frame's width divided by its height."""
    box: Box
    heading_deg: float | None = None
    """Direction of movement over the last second, 0 = up, clockwise; None: did not move."""
    speed: float | None = None
    """On the ground over the last second, metres a second; None: not known."""


class Shown(msgspec.Struct, frozen=True):
    """What a frame looks like as a whole; frames come in order, whether a model saw them or not."""

    at: int
    motion: float | None = None
    """Share of the picture that differs from the frame before; None: there is none to compare."""
    view: View | None = None
    """None: capture did not look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """A trigger before it gets its name; ``track`` is None where it is about no object."""

    trigger: str
    track: str | None
    triggered_at: int
    since_at: int
    known_at: int
    direction: str | None = None
    anchor: Point | None = None
    count: int | None = None
    inside: int | None = None
    """Number inside after it, for the minute counts."""
    visit_ms: int | None = None
    """Length of the visit that it ends, for the minute counts."""


class Sensor(ABC, Generic[S]):
    """One configured sensor; ``S`` is its state, a ``msgspec.Struct``."""

    @abstractmethod
    def begin(self) -> S:
        """Return the state of a sensor that has seen nothing."""

    @abstractmethod
    def observe(self, state: S, seen: Seen) -> list[Fired]:
        """Take in one observation."""

    @abstractmethod
    def forget(self, state: S, track: str) -> None:
        """Take in that a track has ended."""

    def hear(self, state: S, at: int, alive: bool) -> list[Fired]:
        """Take in a frame, or a beat; ``alive``: frames come."""
        return []

    def show(self, state: S, shown: Shown) -> list[Fired]:
        """Take in what a frame looks like."""
        return []

    def deadline(self, state: S, still: frozenset[str]) -> int | None:
        """Return the time of the next timer, None without one.

        ``still`` names the tracks that stand for sure, because the picture does not change.
        """
        return None

    def due(self, state: S, now: int, known_at: int, still: frozenset[str]) -> list[Fired]:
        """Fire every timer up to and including ``now``."""
        return []

    def hold(self, state: S, stretch_ms: int) -> None:
        """Stop the clocks of absence for a still stretch of ``stretch_ms``."""
        return

    def held(self, state: S) -> Collection[str]:
        """Return the tracks of which it may still say something, ended ones included."""
        return ()
