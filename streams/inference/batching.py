"""How many pictures go into one request. Pure.

A request costs about a millisecond of processor time however many pictures it holds, so pictures
that would wait anyway go together; but never so many that a server's instances stand idle while
one of them works off its batch, or that the first picture waits long for the last (ADR 0010).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BatchConfig:
    """Limits."""

    rounds: int = 2
    """Each request that can be under way at once is sent at least so often before any grows."""
    deadline_s: float = 0.25
    """So long may the pictures of one request take together."""


def size_of(
    waiting: int, under_way: int, largest: int, picture_s: float, config: BatchConfig
) -> int:
    """Return how many pictures a request holds, 1 or more.

    Args:
        waiting: pictures that wait, for whichever model.
        under_way: requests that there can be at once.
        largest: the model's own limit.
        picture_s: seconds that one picture took lately; 0: not known.
        config: limits.

    >>> [size_of(n, 4, 16, 0.02, BatchConfig()) for n in (1, 8, 16, 64, 500)]
    [1, 1, 2, 8, 12]
    """
    if picture_s <= 0:
        return 1
    # Of the shortest time a float can hold, infinitely many are in time.
    in_time = int(min(config.deadline_s / picture_s, largest))
    return max(1, min(waiting // (config.rounds * under_way), largest, in_time))


def cut(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Return the items in runs of ``size``, the last of them perhaps shorter."""
    return [items[start : start + size] for start in range(0, len(items), size)]
