"""What runs for years keeps no more after a million steps than after ten thousand."""

from __future__ import annotations

import os
from itertools import islice

import msgspec

from schemas.site import parse
from streams.core import filter as filtering
from streams.core import group as grouping
from streams.core import match as matching
from streams.core import sense as sensing
from tests.soak import crowd

STEPS = int(os.environ.get("SIGHTLINE_SOAK_STEPS", "200000"))
"""`make test` takes two hundred thousand, `make soak` ten million."""
CAMERAS = ("gate", "yard", "hall", "dock")
LOOK_EVERY = 500
SITE = """
version: 1
site: soak
cameras:
  gate: {source: a.mp4, model: yolox, fps: 10}
  yard: {source: a.mp4, model: yolox, fps: 10}
  hall: {source: a.mp4, model: yolox, fps: 10}
  dock: {source: a.mp4, model: yolox, fps: 10}
sensors:
""" + "\n".join(
    f"""
  {camera}-line: {{camera: {camera}, kind: line, points: [[0.5, 0.2], [0.5, 1.0]]}}
  {camera}-lawn: {{camera: {camera}, kind: zone, dwell_s: 10, occupancy: {{min: 3, for_s: 2}},
    points: [[0.2, 0.3], [0.8, 0.3], [0.8, 1.0], [0.2, 1.0]]}}
  {camera}-bags: {{camera: {camera}, kind: stationary, for_s: 15}}
  {camera}-near: {{camera: {camera}, kind: proximity, classes: [person, car], distance: 0.2}}
  {camera}-wire: {{camera: {camera}, kind: link}}"""
    for camera in CAMERAS
)
RULES = "\nrules:\n" + "\n".join(
    f"""
  {camera}-crossing: {{when: {{sensor: {camera}-line, trigger: crossed}},
    group: {{by: track, within_s: 5}}}}
  {camera}-many: {{when: {{sensor: {camera}-line, trigger: crossed}},
    count: {{at_least: 5, within_s: 60}}}}
  {camera}-loiter: {{when: {{sensor: {camera}-lawn, trigger: dwelled}}, cooldown_s: 30}}
  {camera}-through: {{when: {{sequence: [{{sensor: {camera}-lawn, trigger: entered}},
    {{sensor: {camera}-line, trigger: crossed}}], within_s: 20, same_track: true}}}}
  {camera}-alone: {{when: {{sequence: [{{sensor: {camera}-lawn, trigger: entered}},
    {{absent: {{sensor: {camera}-line, trigger: crossed}}, for_s: 30}}], within_s: 60}}}}
  {camera}-bag: {{when: {{sensor: {camera}-bags, trigger: abandoned}}}}
  {camera}-near: {{when: {{sensor: {camera}-near, trigger: near}}}}"""
    for camera in CAMERAS
)


class Chain:
    """One camera's stages."""

    def __init__(self, camera: str) -> None:
        config = parse(SITE + RULES)
        self._plans = (
            sensing.CameraPlan.compile(config, camera, 1),
            matching.MatchPlan.compile(config, camera, 1),
            filtering.FilterPlan.compile(config, 1),
            grouping.GroupPlan.compile(config, 1),
        )
        self._sense = sensing.new_state(config.site, camera)
        self._match = matching.new_state(config.site, camera)
        self._filter = filtering.new_state(config.site, camera)
        self._group = grouping.new_state(config.site, camera)
        self._source = crowd.readings(camera, CAMERAS.index(camera))
        self.events = 0

    def run(self, steps: int) -> None:
        """Take in so many readings."""
        sense, match, judge, group = self._plans
        for reading in islice(self._source, steps):
            self._sense, sensing_ = sensing.step(self._sense, reading, 0, sense)
            if sensing_.sensed is None:
                continue
            self._match, matched = matching.step(self._match, sensing_.sensed, match)
            if matched.matched is None:
                continue
            self._filter, judged = filtering.step(self._filter, matched.matched, judge)
            if judged.judged is None:
                continue
            self._group, grouped = grouping.step(self._group, judged.judged, group)
            self.events += len(grouped.events)

    def sizes(self) -> dict[str, int]:
        """Return the bytes that each stage stores."""
        states = {
            "sense": self._sense,
            "match": self._match,
            "filter": self._filter,
            "group": self._group,
        }
        return {name: len(msgspec.msgpack.encode(state)) for name, state in states.items()}


def test_states_do_not_grow() -> None:
    chains = [Chain(camera) for camera in CAMERAS]
    looks = max(4, STEPS // len(chains) // LOOK_EVERY)
    largest: list[dict[str, int]] = []
    for _ in range(looks):
        seen: dict[str, int] = {}
        for chain in chains:
            chain.run(LOOK_EVERY)
            for name, size in chain.sizes().items():
                seen[name] = max(seen.get(name, 0), size)
        largest.append(seen)
    assert all(chain.events > looks for chain in chains)
    first, last = largest[: looks // 2], largest[looks // 2 :]
    for name in ("sense", "match", "filter", "group"):
        before, after = (max(look[name] for look in half) for half in (first, last))
        print(f"{name}: at most {before} bytes in the first half, {after} in the second")
        assert after <= 1.5 * before + 1000, f"{name} has grown"
