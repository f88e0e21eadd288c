"""Observations for sensors, seconds in, as a test likes to write them."""

from collections.abc import Iterable
from typing import Any

from schemas.site import parse
from streams.core.geometry import Point
from streams.core.ground import Ground
from streams.core.sensors.base import Context, Fired, Seen, Sensor
from streams.core.sensors.registry import SensorState, compile_sensor

HEIGHT = 0.2
LOST_MS = 2000
GROUND = {
    "image": [[0, 0], [1, 0], [1, 1], [0, 1]],
    "metres": [[0, 0], [10, 0], [10, 10], [0, 10]],
}
"""The whole picture is ten metres wide and ten deep."""
NOBODY: frozenset[str] = frozenset()


def sensor(**keys: Any) -> Sensor[SensorState]:
    """Compile one sensor as it is written in a site's file."""
    definition = {"camera": "gate", **keys}
    config = parse(
        repr(
            {
                "version": 1,
                "site": "depot-7",
                "cameras": {"gate": {"source": "synthetic:walkers", "ground": GROUND}},
                "sensors": {"it": definition},
            }
        )
    )
    ground = config.cameras["gate"].ground
    plane = Ground.compile(ground.image, ground.metres) if ground else None
    return compile_sensor("it", config.sensors["it"], Context(LOST_MS, plane))


def seen(at_s: float, place: Point, *, known_s: float | None = None, **keys: Any) -> Seen:
    """Return an observation of a box of ``HEIGHT`` whose bottom anchor is at ``place``."""
    x, y = place
    at = round(at_s * 1000)
    values: dict[str, Any] = {
        "track": "t",
        "class_name": "person",
        "at": at,
        "known_at": at if known_s is None else round(known_s * 1000),
        "aspect": 1.0,
        "box": (x - 0.05, y - HEIGHT, x + 0.05, y),
    }
    return Seen(**(values | keys))


def watch(
    plan: Sensor[SensorState],
    looks: Iterable[Seen],
    *,
    ended_s: dict[str, float] | None = None,
    until_s: float = 1e4,
) -> list[Fired]:
    """Return what fires when timers run between the looks, tracks end, and time then goes on."""
    state = plan.begin()
    ends = sorted((round(end_s * 1000), track) for track, end_s in (ended_s or {}).items())
    fired: list[Fired] = []

    def run(until: int) -> None:
        while True:
            times = [ends[0][0]] if ends else []
            deadline = plan.deadline(state, NOBODY)
            if deadline is not None:
                times.append(deadline)
            if not times or min(times) > until:
                return
            now = min(times)
            while ends and ends[0][0] <= now:
                plan.forget(state, ends.pop(0)[1])
            fired.extend(plan.due(state, now, now, NOBODY))

    for look in looks:
        run(look.known_at)
        fired.extend(plan.observe(state, look))
    run(round(until_s * 1000))
    return fired


def brief(fired: Iterable[Fired]) -> list[tuple[str, float, float, float]]:
    """Return (trigger, t, since_t, known_t) in seconds."""
    return [
        (item.trigger, item.triggered_at / 1000, item.since_at / 1000, item.known_at / 1000)
        for item in fired
    ]
