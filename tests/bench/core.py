"""What a frame costs in the core: tracker and three sensors, then rules, filter and grouping.

Run with ``python -m tests.bench.core [ROUNDS]``. The boxes are YOLOX's on the PETS 2009 footage,
about six people a frame. Processor time of this one thread, the best of the rounds; the ways take
turns within a round, so the ratios hold where the machine's load does not.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import msgspec

from infra.cli.motchallenge import Detection, readings
from schemas.codec import decode, encode
from schemas.records import Detections, Judged, Matched, Reading, Sensed
from schemas.site import SiteConfig, parse
from streams.core import filter as filtering
from streams.core import group as grouping
from streams.core import match as matching
from streams.core import sense as sensing
from streams.core.sensing.looking import frame_of
from streams.core.tracking import tracker
from streams.core.tracking.detections import select
from streams.core.tracking.scene import Scene
from streams.core.tracking.track import Track
from tests.bench.printing import machine, table
from tests.fixtures import FIXTURES

BOXES = FIXTURES / "det" / "PETS09-S2L1" / "yolox_nano_on_vtest480_score0.1_768x576coords.json"
SIZE, FPS, START_AT = (768, 576), Fraction(10), 1_700_000_000_000
ROUNDS = 5
SITE = """
version: 1
site: bench
cameras:
  gate: {source: gate.mp4, model: yolox, classes: [person], fps: native}
sensors:
  line: {camera: gate, kind: line, points: [[0.45, 0.24], [0.45, 0.60]], classes: [person]}
  lawn: {camera: gate, kind: zone, points: [[0.1, 0.3], [0.6, 0.3], [0.6, 1.0], [0.1, 1.0]],
         dwell_s: 5}
  path: {camera: gate, kind: zone, points: [[0.4, 0.2], [1.0, 0.2], [1.0, 0.7], [0.4, 0.7]],
         occupancy: {min: 3, for_s: 1}}
rules:
  crossing: {when: {sensor: line, trigger: crossed}, group: {by: track, within_s: 5}}
  loitering: {when: {sensor: lawn, trigger: dwelled}}
  crowd: {when: {sensor: path, trigger: occupied}}
  through: {when: {sequence: [{sensor: line, trigger: crossed}, {sensor: lawn, trigger: entered}],
            within_s: 20, same_track: true}}
"""


def footage() -> list[Reading]:
    """Return the footage's readings, one a frame."""
    frames = {
        int(frame): [Detection(x1, y1, x2 - x1, y2 - y1, score) for x1, y1, x2, y2, score in rows]
        for frame, rows in json.loads(BOXES.read_text()).items()
    }
    made = readings(frames, camera="gate", start_at=START_AT, fps=FPS, size=SIZE, count=max(frames))
    return list(made)


class Bench:
    """Each way of running the footage, with the configuration compiled beforehand."""

    def __init__(self, config: SiteConfig, frames: list[Reading]) -> None:
        self._site = config.site
        self._frames = frames
        self._camera_plan = sensing.CameraPlan.compile(config, "gate", 1)
        self._match_plan = matching.MatchPlan.compile(config, "gate", 1)
        self._filter_plan = filtering.FilterPlan.compile(config, 1)
        self._group_plan = grouping.GroupPlan.compile(config, 1)
        self._sensed = self.sense()

    def track(self) -> None:
        """The tracker alone."""
        plan = self._camera_plan
        tracks: list[Track] = []
        scene = Scene()
        for reading in self._frames:
            detections = select(reading, plan.selection)
            tracked = tracker.step(
                tracks, detections, frame_of(reading, 0), plan.birth_score, scene, plan.tuning
            )
            tracks = [t for t in tracked.tracks if t.seen_at > reading.at - plan.lost_ms]

    def sense(self) -> list[Sensed]:
        """The stage sense: tracker, sensors, track summaries, counts."""
        state = sensing.new_state(self._site, "gate")
        sensed: list[Sensed] = []
        for reading in self._frames:
            state, result = sensing.step(state, reading, 0, self._camera_plan)
            if result.sensed is not None:
                sensed.append(result.sensed)
        return sensed

    def decide(self) -> tuple[int, int]:
        """The stages match, filter and group; return how many candidates and events there were."""
        return self._decide(lambda record: record)

    def stages(self) -> tuple[int, int]:
        """All four stages, each record encoded and decoded as between topics."""
        sense = sensing.new_state(self._site, "gate")
        sensed: list[Sensed] = []
        for reading in self._frames:
            read: Any = decode(
                encode(Detections(site=self._site, partition=0, readings=(reading,)))
            )
            sense, result = sensing.step(sense, read.readings[0], 0, self._camera_plan)
            if result.sensed is not None:
                sensed.append(result.sensed)
        return self._decide(lambda record: decode(encode(record)), sensed)

    def state_bytes(self) -> int:
        """Return how large the state of sense is after the footage's last frame."""
        state = sensing.new_state(self._site, "gate")
        for reading in self._frames:
            state, _ = sensing.step(state, reading, 0, self._camera_plan)
        return len(msgspec.msgpack.encode(state))

    def _decide(
        self, between: Callable[[Any], Any], sensed: list[Sensed] | None = None
    ) -> tuple[int, int]:
        match = matching.new_state(self._site, "gate")
        judge = filtering.new_state(self._site, "gate")
        group = grouping.new_state(self._site, "gate")
        candidates, events = 0, set[str]()
        for one in self._sensed if sensed is None else sensed:
            match, matched = matching.step(match, between(one), self._match_plan)
            if matched.matched is None:
                continue
            record: Matched = between(matched.matched)
            candidates += len(record.candidates)
            judge, judged = filtering.step(judge, record, self._filter_plan)
            if judged.judged is None:
                continue
            decided: Judged = between(judged.judged)
            group, grouped = grouping.step(group, decided, self._group_plan)
            events.update(event.event_id for event in map(between, grouped.events))
        return candidates, len(events)


def main() -> None:
    """Print a line for each way."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    if not BOXES.exists():
        sys.exit("no fixtures: set SIGHTLINE_FIXTURES to the folder that holds det/")
    frames = footage()
    bench = Bench(parse(SITE), frames)
    ways: dict[str, Callable[[], object]] = {
        "tracker alone": bench.track,
        "sense: tracker + 3 sensors": bench.sense,
        "match + filter + group": bench.decide,
        "all four, records through Avro": bench.stages,
    }
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, way in ways.items():
            began = time.process_time()
            way()
            best[name] = min(best[name], time.process_time() - began)
    candidates, events = bench.decide()
    people = sum(len(reading.scores) for reading in frames) / len(frames)
    print(
        f"{len(frames)} frames, {people:.1f} boxes each, {candidates} candidates, {events} events; "
        f"best of {rounds} rounds; {machine()}"
    )
    each = {name: spent / len(frames) for name, spent in best.items()}
    alone = each["tracker alone"]
    table(
        ("way", "µs a frame", "× tracker", "frames a second and core"),
        [
            (name, f"{1e6 * cost:.0f}", f"{cost / alone:.2f}", f"{1 / cost:.0f}")
            for name, cost in each.items()
        ],
    )
    print(f"state of sense at the end: {bench.state_bytes()} bytes")


if __name__ == "__main__":
    main()
