"""Counts by minute and sensor, in event time.

A minute is told once it is over. What becomes known later of an earlier minute is told at the end
of the minute in which it became known, with a higher revision.
"""

from __future__ import annotations

import msgspec

from schemas.records import Count
from streams.core.sensors.base import Fired

MINUTE_MS = 60_000
KEEP_MS = 10 * MINUTE_MS
"""So long a minute can be corrected; what comes later counts in the minute it became known."""


class Cell(msgspec.Struct):
    """One sensor's minute."""

    sensor: str
    minute_at: int
    occupancy_max: int
    forward: int = 0
    backward: int = 0
    entries: int = 0
    exits: int = 0
    dwell_total_ms: int = 0
    dwell_max_ms: int = 0
    revision: int = 0
    changed: bool = True
    """Since it was last told."""


class Counts(msgspec.Struct):
    """The minutes that can still change, by sensor and time."""

    cells: dict[str, Cell]
    told_until: int = 0
    """Start of the first minute that is not over."""


def add(counts: Counts, sensor: str, fired: Fired) -> None:
    """Count what a sensor fired in the minute in which it happened."""
    if fired.direction is None and fired.inside is None:
        return
    minute_at = _minute(fired.triggered_at)
    if minute_at < counts.told_until - KEEP_MS:
        minute_at = _minute(fired.known_at)
    key = f"{sensor}/{minute_at}"
    cell = counts.cells.get(key)
    inside = fired.inside or 0
    if cell is None:
        before = inside + 1 if fired.trigger == "left" else max(inside - 1, 0)
        cell = counts.cells[key] = Cell(sensor, minute_at, before)
    cell.changed = True
    cell.occupancy_max = max(cell.occupancy_max, inside)
    if fired.direction == "forward":
        cell.forward += 1
    elif fired.direction == "backward":
        cell.backward += 1
    elif fired.trigger == "entered":
        cell.entries += 1
    else:
        dwell_ms = fired.visit_ms or 0
        cell.exits += 1
        cell.dwell_total_ms += dwell_ms
        cell.dwell_max_ms = max(cell.dwell_max_ms, dwell_ms)


def tell(counts: Counts, now: int, *, site: str, camera: str, config_version: int) -> list[Count]:
    """Return what is new of the minutes that are over at ``now``, and forget old ones."""
    until = _minute(now)
    if until <= counts.told_until:
        return []
    counts.told_until = until
    told: list[Count] = []
    for key, cell in list(counts.cells.items()):
        if cell.minute_at >= until:
            continue
        if cell.changed:
            cell.changed = False
            cell.revision += 1
            told.append(
                Count(
                    count_id=f"{site}/{camera}/{cell.sensor}/{cell.minute_at}",
                    site=site,
                    camera=camera,
                    sensor=cell.sensor,
                    minute_at=cell.minute_at,
                    forward=cell.forward,
                    backward=cell.backward,
                    entries=cell.entries,
                    exits=cell.exits,
                    occupancy_max=cell.occupancy_max,
                    dwell_total_s=cell.dwell_total_ms / 1000,
                    dwell_max_s=cell.dwell_max_ms / 1000,
                    revision=cell.revision,
                    config_version=config_version,
                )
            )
        if cell.minute_at < until - KEEP_MS:
            del counts.cells[key]
    return sorted(told, key=lambda count: (count.minute_at, count.sensor))


def _minute(at: int) -> int:
    return at - at % MINUTE_MS
