"""Are these points a line or a simple polygon? In exact arithmetic, in plain Python.

Coordinates are taken as the decimal numbers they were written as, so that points which lie on one
line in the file lie on one line here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

Point = tuple[float, float]
_Exact = tuple[int, int]


def line_fault(points: Sequence[Point]) -> str | None:
    """Say what keeps ``points`` from being a line (all of them equal), or return None."""
    return "has no length: all its points are equal" if len(set(points)) < 2 else None


def polygon_fault(points: Sequence[Point]) -> str | None:
    """Say what keeps ``points`` (at least 3, closed implicitly) from being a simple polygon.

    >>> polygon_fault([(0, 0), (1, 1), (1, 0), (0, 1)])
    'crosses itself: edge [0]-[1] meets edge [2]-[3]'
    >>> polygon_fault([(0, 0), (1, 0), (0.2, 0.2), (0, 1)]) is None
    True
    """
    exact = _exact(points)
    count = len(exact)
    for i in range(count):
        j = (i + 1) % count
        if exact[i] == exact[j]:
            hint = "; it closes by itself" if j == 0 else ""
            return f"repeats a point: [{i}] and [{j}] are equal{hint}"
    if all(_turn(exact[0], exact[1], point) == 0 for point in exact[2:]):
        return "has no area: all its points lie on one line"
    for i in range(count):
        a, b, c = exact[i], exact[(i + 1) % count], exact[(i + 2) % count]
        if _turn(a, b, c) == 0 and _dot(a, b, c) < 0:
            return f"turns back on itself at [{(i + 1) % count}]"
    for i in range(count):
        for j in range(i + 2, count):
            if (j + 1) % count == i:
                continue
            if _meet(exact[i], exact[i + 1], exact[j], exact[(j + 1) % count]):
                edges = f"edge [{i}]-[{i + 1}] meets edge [{j}]-[{(j + 1) % count}]"
                return f"crosses itself: {edges}"
    return None


def quadrilateral_fault(points: Sequence[Point]) -> str | None:
    """Say what keeps four ``points`` from fixing a plane-to-plane mapping, or return None.

    A homography needs four points of which no three lie on one line (Hartley and Zisserman,
    Multiple View Geometry, 2nd ed., section 4.1.3).
    """
    exact = _exact(points)
    for left_out in range(4):
        a, b, c = (exact[i] for i in range(4) if i != left_out)
        if _turn(a, b, c) == 0:
            names = ", ".join(f"[{i}]" for i in range(4) if i != left_out)
            return f"three of its points lie on one line: {names}"
    return None


def _exact(points: Sequence[Point]) -> list[_Exact]:
    fractions = [(Fraction(repr(float(x))), Fraction(repr(float(y)))) for x, y in points]
    scale = math.lcm(*(part.denominator for point in fractions for part in point))
    return [(int(x * scale), int(y * scale)) for x, y in fractions]


def _turn(a: _Exact, b: _Exact, c: _Exact) -> int:
    cross = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    return (cross > 0) - (cross < 0)


def _dot(a: _Exact, b: _Exact, c: _Exact) -> int:
    return (b[0] - a[0]) * (c[0] - b[0]) + (b[1] - a[1]) * (c[1] - b[1])


def _between(a: _Exact, b: _Exact, point: _Exact) -> bool:
    return min(a[0], b[0]) <= point[0] <= max(a[0], b[0]) and (
        min(a[1], b[1]) <= point[1] <= max(a[1], b[1])
    )


def _meet(a: _Exact, b: _Exact, c: _Exact, d: _Exact) -> bool:
    """Tell whether the closed segments ab and cd share a point."""
    abc, abd, cda, cdb = _turn(a, b, c), _turn(a, b, d), _turn(c, d, a), _turn(c, d, b)
    if abc != abd and cda != cdb:
        return True
    return (
        (abc == 0 and _between(a, b, c))
        or (abd == 0 and _between(a, b, d))
        or (cda == 0 and _between(c, d, a))
        or (cdb == 0 and _between(c, d, b))
    )
