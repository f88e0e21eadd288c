"""What runs for years keeps no more after a million steps than after ten thousand."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from statistics import median

import msgspec

from schemas.site import parse
from streams.core import filter as filtering
from streams.core import group as grouping
from streams.core import match as matching
from streams.core import sense as sensing
from streams.core.learning.place import CELL_LIMIT, TRACK_LIMIT
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
        """Return the bytes that each stage stores, and how much the filter has learned.

        Where things stand it learns over days, so that has its own limits, and its own names here.
        """
        learned = self._filter.learned
        placeless = {
            camera: msgspec.structs.replace(one, cells={}, standing={})
            for camera, one in learned.items()
        }
        states = {
            "sense": self._sense,
            "match": self._match,
            "filter": msgspec.structs.replace(self._filter, learned=placeless),
            "group": self._group,
        }
        return {name: len(msgspec.msgpack.encode(state)) for name, state in states.items()} | {
            "cells": max((len(one.cells) for one in learned.values()), default=0),
            "standing": max((len(one.standing) for one in learned.values()), default=0),
        }


def run_camera(camera: str, looks: int) -> tuple[list[dict[str, int]], int]:
    """Return the sizes at each look at a camera's states, and how many changes of events there were."""
    chain = Chain(camera)
    sizes: list[dict[str, int]] = []
    for _ in range(looks):
        chain.run(LOOK_EVERY)
        sizes.append(chain.sizes())
    return sizes, chain.events


def test_states_do_not_grow() -> None:
    looks = max(4, STEPS // len(CAMERAS) // LOOK_EVERY)
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        ran = list(pool.map(run_camera, CAMERAS, [looks] * len(CAMERAS)))
    assert all(events > looks for _, events in ran)

    halves = (slice(0, looks // 2), slice(looks // 2, looks))
    for name in ("sense", "match", "filter", "group"):
        # What is usual says whether something grows; the largest depends on one crowded moment.
        (usual, most), (usual_later, most_later) = (
            (median(seen), max(seen))
            for seen in (
                [look[name] for sizes, _ in ran for look in sizes[half]] for half in halves
            )
        )
        print(
            f"{name}: usually {usual:.0f} bytes, at most {most}, in the first half, "
            f"{usual_later:.0f} and {most_later} in the second"
        )
        assert usual_later <= 1.25 * usual + 1000, f"{name} has grown"
        assert most_later <= 1.5 * most + 1000, f"{name} has grown"
    for name, limit in (("cells", CELL_LIMIT), ("standing", TRACK_LIMIT)):
        most = max(look[name] for sizes, _ in ran for look in sizes)
        print(f"learned {name}: at most {most} of {limit}")
        assert most <= limit, f"learned {name} have grown"
