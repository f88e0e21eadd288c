"""Whether a sensor fired around the moment, and if not, what kept it from firing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from infra.cli.whynot_probe import Followed, Found
from infra.cli.whynot_steps import Step, clock
from schemas.site import LineSensor, SiteConfig, ZoneSensor, milliseconds
from streams.core.geometry import (
    TOLERANCE,
    anchor_of,
    cuts,
    distance_to_polyline,
    in_polygon,
    visible_area,
)
from streams.core.sensors.base import Seen

_TOLD = 4
"""Triggers and tracks told of; the rest is counted."""


def wanted_classes(config: SiteConfig, sensor: str) -> frozenset[str] | None:
    """Return the classes that a sensor looks at: None for all, empty where it looks at none."""
    one = config.sensors[sensor]
    if not hasattr(one, "classes"):
        return frozenset()
    classes = one.classes
    return None if classes is None else frozenset(classes)


def sensed(found: Found, config: SiteConfig, sensor: str) -> Step:
    """Tell which triggers the sensor gave, or why it gave none."""
    fired = [trigger for trigger in found.triggers if trigger.sensor == sensor]
    if fired:
        told = ", ".join(
            f"{one.trigger}{f' {one.direction}' if one.direction else ''} at "
            f"{clock(one.triggered_at)}"
            for one in fired[:_TOLD]
        )
        more = f" and {len(fired) - _TOLD} more" if len(fired) > _TOLD else ""
        return Step("sensor", True, f"{sensor} {told}{more}")
    one = config.sensors[sensor]
    near: Callable[[Any, Sequence[Seen]], str] | None = _NEAR.get(type(one))
    if near is None:
        return Step("sensor", False, f"{sensor} ({one.kind}) saw nothing that makes it fire")
    classes = wanted_classes(config, sensor)
    told_of = [
        track
        for track in found.tracks.values()
        if track.confirmed_at is not None
        and track.path
        and (classes is None or track.class_name in classes)
    ]
    told_of.sort(key=lambda track: (_distance(one, track.path), track.track))
    reasons = [f"{track.track} {_kept_back(one, track, near)}" for track in told_of[:_TOLD]]
    return Step("sensor", False, f"{sensor} did not fire: {'; '.join(reasons)}")


def misfits(sensor: Any, seen: Seen) -> list[str]:
    """Return which of a sensor's filters an observation does not pass."""
    found: list[str] = []
    size, speed, heading = sensor.size, sensor.speed, sensor.heading
    if sensor.classes is not None and seen.class_name not in sensor.classes:
        found.append(f"class {seen.class_name}")
    if size is not None:
        area = visible_area(seen.box)
        if size.min is not None and area < size.min:
            found.append(f"smaller than size.min {size.min:g}")
        if size.max is not None and area > size.max:
            found.append(f"larger than size.max {size.max:g}")
    if speed is not None:
        if seen.speed is None:
            found.append("speed not known")
        elif speed.above is not None and seen.speed <= speed.above:
            found.append(f"not faster than {speed.above:g} m/s")
        elif speed.below is not None and seen.speed >= speed.below:
            found.append(f"not slower than {speed.below:g} m/s")
    if heading is not None:
        if seen.heading_deg is None:
            found.append("heading not known")
        else:
            turn = abs(seen.heading_deg - heading.towards_deg) % 360
            if min(turn, 360 - turn) > heading.within_deg:
                found.append(f"not heading towards {heading.towards_deg:g}°")
    return found


def _kept_back(sensor: Any, track: Followed, near: Callable[[Any, Sequence[Seen]], str]) -> str:
    where = near(sensor, track.path)
    unfit: Counter[str] = Counter()
    for seen in track.path:
        unfit.update(misfits(sensor, seen))
    if not unfit:
        return where
    told = ", ".join(f"{why} in {n} of {len(track.path)} frames" for why, n in unfit.most_common(3))
    return f"{where}; filters: {told}"


def _distance(sensor: Any, path: Sequence[Seen]) -> float:
    """Return how near a path came, in frame heights."""
    points = sensor.points
    edge = points if isinstance(sensor, LineSensor) else (*points, points[0])
    distances = []
    for seen in path:
        place = anchor_of(seen.box, sensor.anchor)
        inside = isinstance(sensor, ZoneSensor) and in_polygon(points, place)
        distances.append(0.0 if inside else distance_to_polyline(edge, place, seen.aspect))
    return min(distances)


def _line(sensor: LineSensor, path: Sequence[Seen]) -> str:
    places = [(seen, anchor_of(seen.box, sensor.anchor)) for seen in path]
    off = [
        place
        for seen, place in places
        if distance_to_polyline(sensor.points, place, seen.aspect) > TOLERANCE
    ]
    odd = sum(len(cuts(sensor.points, one, other)) % 2 for one, other in pairwise(off))
    if odd:
        return f"cut the line {odd} times, too close to it for a count (rearm {sensor.rearm:g})"
    return (
        f"did not cross the line: {_distance(sensor, path):.3f} frame heights away at the nearest"
    )


def _zone(sensor: ZoneSensor, path: Sequence[Seen]) -> str:
    inside = [
        seen.at for seen in path if in_polygon(sensor.points, anchor_of(seen.box, sensor.anchor))
    ]
    if not inside:
        return "was not inside the zone"
    longest = 0
    began = path[0].at
    for seen in path:
        if seen.at not in inside:
            began = -1
        elif began < 0:
            began = seen.at
        if began >= 0:
            longest = max(longest, seen.at - began)
    need = milliseconds(sensor.enter_after_s)
    if longest < need:
        return (
            f"was inside for {longest / 1000:.1f} s at a stretch, "
            f"enter_after_s is {sensor.enter_after_s:g}"
        )
    return f"was inside in {len(inside)} of {len(path)} frames, its visit had begun earlier"


_NEAR: Mapping[type, Callable[[Any, Sequence[Seen]], str]] = {LineSensor: _line, ZoneSensor: _zone}
