"""Heat maps: how long tracks were in each cell of the picture. Pure.

Between two points of its path an object moves in a straight line at an even pace. The line is cut
where it leaves a cell, and each piece counts in its cell in whole microseconds; so the sum is the
same whatever the order, and exactly the time that the path lasts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

COLUMNS, ROWS = 32, 18
CELLS = COLUMNS * ROWS

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Steps:
    """Straight steps of paths; arrays of one length.

    Times are whole microseconds, places 0..1 from the top left.
    """

    group: Integers
    """Which heat map a step belongs to, from 0."""
    from_us: Integers
    to_us: Integers
    from_x: Floats
    from_y: Floats
    to_x: Floats
    to_y: Floats


def clipped(steps: Steps, starts_us: Integers, ends_us: Integers) -> Steps:
    """Return the parts of the steps within ``[starts_us, ends_us)``, one pair for each step."""
    begin = np.maximum(steps.from_us, starts_us)
    end = np.minimum(steps.to_us, ends_us)
    kept = end > begin
    lasting = (steps.to_us - steps.from_us)[kept]
    first = (begin - steps.from_us)[kept] / lasting
    last = (end - steps.from_us)[kept] / lasting
    x, y = steps.from_x[kept], steps.from_y[kept]
    dx, dy = steps.to_x[kept] - x, steps.to_y[kept] - y
    return Steps(
        steps.group[kept],
        begin[kept],
        end[kept],
        x + first * dx,
        y + first * dy,
        x + last * dx,
        y + last * dy,
    )


def time_in_cells(steps: Steps, groups: int) -> Integers:
    """Return for each group the microseconds in each cell: shape (groups, ``CELLS``), row by row."""
    u0, v0 = steps.from_x * COLUMNS, steps.from_y * ROWS
    du, dv = steps.to_x * COLUMNS - u0, steps.to_y * ROWS - v0
    count = len(u0)
    step = np.arange(count)
    across, share_u = _crossings(u0, du)
    down, share_v = _crossings(v0, dv)
    of = np.concatenate([step, across, down])
    share = np.concatenate([np.zeros(count), share_u, share_v])
    order = np.lexsort((share, of))
    of, share = of[order], share[order]
    until = np.ones(len(of))
    same = of[1:] == of[:-1]
    until[:-1][same] = share[1:][same]
    middle = (share + until) / 2
    column = _cell(u0[of] + middle * du[of], COLUMNS)
    row = _cell(v0[of] + middle * dv[of], ROWS)
    lasting = (steps.to_us - steps.from_us)[of]
    spent = np.rint(until * lasting) - np.rint(share * lasting)
    place = (steps.group[of] * ROWS + row) * COLUMNS + column
    # Whole numbers far below 2**53: as floats they add up exactly.
    total = np.bincount(place, weights=spent, minlength=groups * CELLS)
    return total.astype(np.int64).reshape(groups, CELLS)


def _crossings(start: Floats, length: Floats) -> tuple[Integers, Floats]:
    """Return where steps cross whole numbers: the step's index and the share of its length."""
    low = np.minimum(start, start + length)
    high = np.maximum(start, start + length)
    first = np.floor(low) + 1
    number = np.maximum(0, np.ceil(high) - first).astype(np.int64)
    of = np.repeat(np.arange(len(start)), number)
    nth = np.arange(len(of)) - np.repeat(np.cumsum(number) - number, number)
    share = (first[of] + nth - start[of]) / length[of]
    return of, np.clip(share, 0.0, 1.0)


def _cell(place: Floats, cells: int) -> Integers:
    return np.clip(np.floor(place), 0, cells - 1).astype(np.int64)
