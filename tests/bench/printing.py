"""Tables on standard output, and the figures in them."""

from __future__ import annotations

import os
from collections.abc import Sequence


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns: the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in (headers, *rows)) for column in range(len(headers))]
    for row in (headers, *rows):
        first, *others = (
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("   ".join((first, *others)).rstrip(), flush=True)


def at_share(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least ``share`` of all do not exceed (nearest rank).

    >>> at_share([4, 1, 3, 2], 0.5), at_share([4, 1, 3, 2], 0.99)
    (2, 4)
    """
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * share // 1))
    return ordered[int(rank) - 1]


def machine() -> str:
    """Return what a reader must know of this machine: cores, and what else keeps them busy."""
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
