"""Points as they are written in the file: lines, polygons, lists of polygons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from schemas.site.faults import Finding, Loc, is_number, refuse, shown
from schemas.site.geometry import Point, line_fault, polygon_fault, quadrilateral_fault
from schemas.site.values import Parsed

MAX_POINTS = 256
MAX_POLYGONS = 64
_PLANE = 1e6

Points = tuple[Point, ...]
_ShapeFault = Callable[[Sequence[Point]], str | None]
_RULES: dict[_ShapeFault, str] = {
    line_fault: "a line with two different points",
    polygon_fault: "a simple polygon: edges that meet only at their corners",
    quadrilateral_fault: "four points, no three on one line",
}


def _points(
    value: Any, loc: Loc, least: int, most: int, low: float, high: float, shape: _ShapeFault
) -> tuple[Points, list[Finding]]:
    count = f"{least}" if least == most else f"{least} to {most}"
    listed = f"a list of {count} points [x, y], each from {low:g} to {high:g}"
    if not isinstance(value, (list, tuple)):
        return (), [Finding(loc, f"{shown(value)} is not a list of points", listed)]
    points: list[Point] = []
    bad: list[Finding] = []
    for i, item in enumerate(value):
        if not isinstance(item, (list, tuple)) or len(item) != 2:
            size = f"a list of {len(item)}" if isinstance(item, (list, tuple)) else shown(item)
            bad.append(Finding((*loc, i), f"{size} is not a point", "[x, y]"))
            continue
        for axis, part in enumerate(item):
            allowed = f"a number from {low:g} to {high:g}"
            if not is_number(part):
                problem = f"{shown(part)} is not a number"
                bad.append(Finding((*loc, i, axis), problem, allowed))
            elif not low <= part <= high:
                size = "small" if part < low else "large"
                bad.append(Finding((*loc, i, axis), f"{shown(part)} is too {size}", allowed))
        if not bad:
            points.append((float(item[0]), float(item[1])))
    if not least <= len(value) <= most:
        bad.append(Finding(loc, f"has {len(value)} points", listed))
    if not bad and (problem_found := shape(points)):
        bad.append(Finding(loc, problem_found, _RULES[shape]))
    return tuple(points), bad


def _shape(least: int, most: int, low: float, high: float, shape: _ShapeFault) -> Parsed:
    def parse(value: Any) -> Points:
        points, bad = _points(value, (), least, most, low, high, shape)
        if bad:
            raise refuse(*bad)
        return points

    return Parsed(parse, _schema(least, most, low, high))


def _schema(least: int, most: int, low: float, high: float) -> dict[str, Any]:
    axis = {"type": "number", "minimum": low, "maximum": high}
    point = {"type": "array", "prefixItems": [axis, axis], "items": False, "minItems": 2}
    return {"type": "array", "items": point, "minItems": least, "maxItems": most}


def parse_polygons(value: Any) -> tuple[Points, ...]:
    """Parse a list of simple polygons; one polygon without its outer brackets gets a hint."""
    allowed = f"a list of at most {MAX_POLYGONS} polygons, each a list of points [x, y]"
    if not isinstance(value, (list, tuple)):
        raise refuse(Finding((), f"{shown(value)} is not a list of polygons", allowed))
    if value and all(
        isinstance(item, (list, tuple)) and item and all(is_number(part) for part in item)
        for item in value
    ):
        raise refuse(Finding((), "is one polygon, not a list of polygons", "[[[x, y], ...]]"))
    if len(value) > MAX_POLYGONS:
        raise refuse(Finding((), f"has {len(value)} polygons", allowed))
    polygons: list[Points] = []
    bad: list[Finding] = []
    for i, item in enumerate(value):
        points, wrong = _points(item, (i,), 3, MAX_POINTS, 0, 1, polygon_fault)
        polygons.append(points)
        bad.extend(wrong)
    if bad:
        raise refuse(*bad)
    return tuple(polygons)


Polyline = Annotated[Points, _shape(2, MAX_POINTS, 0, 1, line_fault)]
"""At least two points, 0..1, origin top left, not all equal."""
Polygon = Annotated[Points, _shape(3, MAX_POINTS, 0, 1, polygon_fault)]
"""A simple polygon, concave allowed, closed implicitly."""
Polygons = Annotated[
    tuple[Points, ...],
    Parsed(
        parse_polygons,
        {"type": "array", "items": _schema(3, MAX_POINTS, 0, 1), "maxItems": MAX_POLYGONS},
    ),
]
ImageQuad = Annotated[Points, _shape(4, 4, 0, 1, quadrilateral_fault)]
"""Four points of the picture, no three on one line."""
PlaneQuad = Annotated[Points, _shape(4, 4, -_PLANE, _PLANE, quadrilateral_fault)]
"""The same four points on the ground, in metres."""
