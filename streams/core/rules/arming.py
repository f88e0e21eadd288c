"""In which modes a site is armed, and from when: set by command, part of a configuration's version."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from msgspec import Struct

ModesAt = Callable[[int], Collection[str]]
"""The modes at a known time, UTC ms."""


class Arming(Struct):
    """A change of modes, at its time or still ahead."""

    at: int
    """From here on, UTC ms of known time."""
    modes: list[str]


def modes_at(modes: Sequence[str], changes: Sequence[Arming], at: int) -> Sequence[str]:
    """Return the modes at a time; ``modes`` are those before the first of the changes.

    >>> modes_at([], [Arming(5, ["away"]), Arming(9, [])], 5)
    ['away']
    """
    passed = [change.modes for change in changes if change.at <= at]
    return passed[-1] if passed else modes
